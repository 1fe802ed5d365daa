"""
Findings for people on a terminal, and as log lines elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import structlog

from rich.console import Console
from rich.text import Text

from listener.doctor.finding import Finding, Verdict


STYLES: Final = {
    Verdict.OK: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "cyan",
}
NAME_WIDTH: Final = 13
VERDICT_WIDTH: Final = 8
INDENT: Final = " " * (VERDICT_WIDTH + NAME_WIDTH)

log = structlog.get_logger()


def show(findings: Iterable[tuple[str, Finding]], *, is_pretty: bool) -> bool:
    """
    Show each finding as it comes; return whether nothing failed.
    """
    counts: Counter[Verdict] = Counter()
    console = Console(soft_wrap=True, highlight=False)
    for check, finding in findings:
        counts[finding.verdict] += 1
        if is_pretty:
            console.print(to_text(check, finding))
        else:
            _say(check, finding)
    if is_pretty:
        said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
        console.print(said)
    else:
        log.info(
            "doctor.done",
            ok=counts[Verdict.OK],
            warn=counts[Verdict.WARN],
            fail=counts[Verdict.FAIL],
            unknown=counts[Verdict.UNKNOWN],
        )
    return not counts[Verdict.FAIL]


def to_text(check: str, finding: Finding) -> Text:
    """
    Return a finding in a line, and what to do in those below.
    """
    verdict = f"{finding.verdict:<{VERDICT_WIDTH}}"
    text = Text(verdict, STYLES[finding.verdict], end="")
    text.append(f"{check:<{NAME_WIDTH}}", "bold")
    text.append(finding.found, "default")
    for place, line in enumerate(finding.remedy.splitlines()):
        arrow = " " if place else "→"  # once: several lines may be copied together
        text.append(f"\n{INDENT}{arrow} {line}", "default")
    return text


def _say(check: str, finding: Finding) -> None:
    say = {Verdict.WARN: log.warning, Verdict.FAIL: log.error}.get(
        finding.verdict, log.info
    )
    say(
        "doctor.finding",
        check=check,
        verdict=finding.verdict,
        found=finding.found,
        remedy=finding.remedy,
    )
