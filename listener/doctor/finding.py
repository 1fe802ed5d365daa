"""
What a check found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """
    How bad it is.
    """

    OK = "ok"
    WARN = "warn"  # it works, but not as well as it could, or not for ever
    FAIL = "fail"  # it does not work, or will not soon
    UNKNOWN = "unknown"  # it could not be looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What is the matter, and what to do.

    Attributes:
        found: One line.
        remedy: What to do about it, perhaps in several lines; empty: nothing.
    """

    verdict: Verdict
    found: str
    remedy: str = ""


def ok(found: str, remedy: str = "") -> Finding:
    """
    Return that all is well.
    """
    return Finding(Verdict.OK, found, remedy)


def warn(found: str, remedy: str) -> Finding:
    """
    Return that it could be better.
    """
    return Finding(Verdict.WARN, found, remedy)


def fail(found: str, remedy: str = "") -> Finding:
    """
    Return that it does not work.
    """
    return Finding(Verdict.FAIL, found, remedy)


def unknown(found: str, remedy: str = "") -> Finding:
    """
    Return that it could not be looked at.
    """
    return Finding(Verdict.UNKNOWN, found, remedy)
