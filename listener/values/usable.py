"""
Values of which a document's field may make use, and those of which it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

from bson import DBRef, ObjectId

from listener.values.kinds import to_kind


T = TypeVar("T")

REFERENCE: Final = "reference"  # to another collection, whose ids say nothing to anyone
MOST_VALUES: Final = 10_000  # within one value; bounds what one document costs
CUT: Final = "cut"  # there was more than a product can hold

# Takes a value and a list of notes on it. Returns None when the value says nothing,
# raises `Unusable` when it says nothing that could be meant.
Converter = Callable[[object, list[str]], T | None]
# What a converter returns of a value as most documents have it, sooner; None of any
# other, for the converter to look at.
Shortcut = Callable[[object], T | None]


class Unusable(Exception):  # noqa: N818
    """
    A value means nothing that its field could mean: leave it out and say so.

    Attributes:
        reason: What is wrong, in a few words; never any of the value.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def wrong_type(value: object, wanted: str) -> Unusable:
    """
    Return the fault of a value that is not *wanted*.
    """
    if isinstance(value, ObjectId | DBRef):
        return Unusable(REFERENCE)
    return Unusable(f"not {wanted}: {to_kind(value)}")


def too_large() -> Unusable:
    """
    Return the fault of a value that would cost or take up too much.
    """
    return Unusable("too large")


def bounded(convert: Converter[T]) -> Converter[T]:
    """
    Return what converts as *convert* does, but refuses values with more than
    `MOST_VALUES` others within.
    """

    def convert_bounded(value: object, notes: list[str]) -> T | None:
        if isinstance(value, list | dict) and _is_large(value):
            raise too_large()
        return convert(value, notes)

    return convert_bounded


def first_usable(
    values: Iterable[object], convert: Converter[T], notes: list[str]
) -> T | None:
    """
    Return the first of *values* that says something; None when none does.

    Raises:
        Unusable: There are only unusable ones; of the first of them.
    """
    reason: str | None = None  # an error that is kept would keep all that led to it
    for value in values:
        try:
            found = convert(value, notes)
        except Unusable as error:
            reason = reason or error.reason
            continue
        if found is not None:
            return found
    if reason is not None:
        raise Unusable(reason)
    return None


def all_usable(
    values: Iterable[object], convert: Converter[T], notes: list[str]
) -> list[T]:
    """
    Return those of *values* that say something; the first unusable one is noted.

    Raises:
        Unusable: There are only unusable ones; of the first of them.
    """
    found: list[T] = []
    reasons: list[str] = []
    for value in values:
        try:
            one = convert(value, notes)
        except Unusable as error:
            reasons.append(error.reason)
            continue
        if one is not None:
            found.append(one)
    if reasons and not found:
        raise Unusable(reasons[0])
    notes.extend(reasons[:1])
    return found


def _is_large(value: object) -> bool:
    count = 0
    within = [value]
    while within and count <= MOST_VALUES:
        parts = _parts(within.pop())
        count += len(parts)
        within.extend(parts)
    return count > MOST_VALUES


def _parts(value: object) -> Collection[object]:
    match value:
        case list():
            return value
        case dict():
            return value.values()
    return ()
