"""
One check after the other; none keeps another from being made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from listener.doctor.finding import Finding, Verdict, fail, unknown
from listener.errors import ListenerError, Refused
from recommender.errors import RecommenderError


@dataclass(frozen=True, slots=True)
class Check:
    """
    One thing to look at.

    Attributes:
        name: A word or two.
        look: Returns what is found, or raises what it met.
        needs: Checks without which this one makes no sense.
    """

    name: str
    look: Callable[[], Finding]
    needs: tuple[str, ...] = ()


def made(checks: Iterable[Check]) -> Iterator[tuple[str, Finding]]:
    """
    Yield the name of each check with what it found, as soon as it has.
    """
    unusable: set[str] = set()
    for check in checks:
        missing = next((name for name in check.needs if name in unusable), None)
        finding = _made(check) if missing is None else _left_out(missing)
        if finding.verdict in {Verdict.FAIL, Verdict.UNKNOWN}:
            unusable.add(check.name)
        yield check.name, finding


def _left_out(missing: str) -> Finding:
    return unknown(f"not checked, because of what `{missing}` says")


def _made(check: Check) -> Finding:
    try:
        return check.look()
    except Refused as error:
        return fail(str(error), error.remedy)
    except (ListenerError, RecommenderError, OSError) as error:
        return fail(str(error))
    except Exception as error:  # noqa: BLE001 the other checks are made all the same
        return fail(f"a defect of ours: {type(error).__name__}: {error}", "report it")
