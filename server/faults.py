"""
What is wrong with a request, all of it at once.
"""

from __future__ import annotations

import difflib

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from server.problems import Problem


LONGEST_SHOWN: Final = 80  # of a wrong value; the caller knows the rest


class Fault(NamedTuple):
    """
    One thing that is wrong.

    Attributes:
        parameter: Where it is.
        value: What was given.
        message: What is wrong with it.
        remedy: What would be right.
    """

    parameter: str
    value: str
    message: str
    remedy: str


def unknown_name(
    name: str, known: Iterable[str], within: str = "", value: str = ""
) -> Fault:
    """
    Return the fault of a parameter that is not known, with the nearest of *known*.

    Args:
        within: Path of what holds it, with a dot at its end; empty at the top.
    """
    names = sorted(known)
    nearest = difflib.get_close_matches(name.lower(), names, 1)
    if nearest:
        remedy = f"Did you mean {nearest[0]!r}?"
    elif names:
        remedy = f"Known here: {', '.join(names)}."
    else:
        remedy = "Leave it out: nothing is taken here."
    return Fault(within + name, value, "is not known here", remedy)


def to_problem(faults: Sequence[Fault]) -> Problem:
    """
    Return the answer that tells of *faults*.
    """
    shown = [
        Fault(fault.parameter[:LONGEST_SHOWN], fault.value[:LONGEST_SHOWN], *fault[2:])
        for fault in faults
    ]
    detail = " ".join(f"{f.parameter} {f.message}. {f.remedy}" for f in shown)
    told = [fault._asdict() for fault in shown]
    return Problem(400, "bad_parameters", detail, faults=told)
