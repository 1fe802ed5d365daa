"""
What the doctor finds, without a process of its own.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from listener.assembly import CLOCK, open_examination, to_remote
from listener.clock import Clock
from listener.doctor.finding import Finding, Verdict
from listener.doctor.rounds import Rounds
from recommender.settings import ListenerSettings
from tests.support.ports import free_port


def examine(
    uri: str, data_dir: Path, *, clock: Clock = CLOCK, **settings: Any
) -> dict[str, Finding]:
    """
    Return what each check finds.
    """
    own: dict[str, Any] = {
        "mongodb_uri": uri, "data_dir": data_dir, "control_port": free_port()
    }  # fmt: skip
    chosen = ListenerSettings(**own | settings)
    with ExitStack() as stack:
        rounds = Rounds(
            chosen,
            address=lambda: uri,
            open_database=lambda address: stack.enter_context(
                open_examination(chosen, address)
            ),
            remote=to_remote(chosen),
            clock=clock,
        )
        return dict(rounds.findings())


def verdicts(findings: dict[str, Finding]) -> dict[str, Verdict]:
    """
    Return how bad each is.
    """
    return {check: finding.verdict for check, finding in findings.items()}


def not_checked(findings: dict[str, Finding]) -> set[str]:
    """
    Return the checks that were left out.
    """
    return {
        check
        for check, finding in findings.items()
        if finding.verdict is Verdict.UNKNOWN and "not checked" in finding.found
    }
