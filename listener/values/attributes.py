"""
From what a document says of a product under many names to plain text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from listener.values.texts import (
    LABELS,
    is_reference,
    plain_text,
    to_plain,
    to_text,
)
from listener.values.usable import CUT, wrong_type


LONGEST_VALUE: Final = 60  # characters; longer ones are texts, and lists of other goods
MOST_ATTRIBUTES: Final = 100  # values; shops' sheets of data end before
DEEPEST: Final = 4  # objects and lists within one another: groups, attribute, values
# Where an object that has a name says what is so called.
VALUES: Final = ("value", "values", "options", "option", "terms")


def to_attributes(value: object, notes: list[str]) -> str | None:
    """
    Return the values of a product's attributes as one text, without their names.

    They are an object of values, also of groups of such; or a list of objects that have
    a name and a value, or several; or a text. Numbers, which say little without their
    unit, yes and no, references, and what is longer than `LONGEST_VALUE` are left out.
    Only the first `MOST_ATTRIBUTES` values count.

    Raises:
        Unusable: It is a number, or of another type that holds no values.
    """
    if isinstance(value, str):
        return to_text(value, notes)
    if value is not None and not isinstance(value, Mapping | list):
        raise wrong_type(value, "attributes")
    found: list[str] = []
    for one in _texts_in(value, DEEPEST):
        if len(found) == MOST_ATTRIBUTES:
            notes.append(CUT)
            break
        found.append(one)
    return ", ".join(found) or None


def plain_attributes(value: object) -> str | None:
    """
    The shortcut of `to_attributes`.
    """
    if type(value) is not dict or any(name in value for name in VALUES):
        return None
    found = []
    for one in value.values():
        if type(one) is str and one and len(one) <= LONGEST_VALUE:
            text = plain_text(one)
            if text is None or is_reference(text):
                return None
            found.append(text)
        elif isinstance(one, Mapping | list):
            return None
    return ", ".join(found) if 0 < len(found) <= MOST_ATTRIBUTES else None


def _texts_in(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        text = to_plain(value) if len(value) <= LONGEST_VALUE else ""
        if text and not is_reference(text):
            yield text
    elif isinstance(value, Mapping | list) and depth:
        for one in _parts(value):
            yield from _texts_in(one, depth - 1)


def _parts(value: Mapping[str, object] | list[object]) -> Iterator[object]:
    """
    Yield what says something in an object or a list: of an object with a name and a
    value the value; of one in a list that has only a name, the name.
    """
    if isinstance(value, list):
        yield from map(_unless_named, value)
        return
    held = [value[name] for name in VALUES if name in value]
    yield from held or value.values()


def _unless_named(value: object) -> object:
    if not isinstance(value, Mapping) or any(name in value for name in VALUES):
        return value
    return next((value[name] for name in LABELS if value.get(name)), value)
