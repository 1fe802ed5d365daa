"""
A product's place among others: the path of its category.
"""

from __future__ import annotations

import re

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from listener.values.texts import (
    KNOWN_LABELS,
    LONGEST_LABEL,
    LONGEST_MARKUP,
    is_reference,
    known_label,
    to_label,
    to_plain,
)
from listener.values.usable import CUT, all_usable


DEEPEST_PATH: Final = 8  # shops' trees end before; each step is a term of its own
MOST_CATEGORIES: Final = 100  # of a list that are looked at
PARENTS: Final = ("parent", "parentCategory", "parent_category")

_STEP = re.compile(r"\s*[>\u00bb\u203a]\s*")


def to_category(value: object, notes: list[str]) -> tuple[str, ...] | None:
    """
    Return the path of a category, outermost first; None when it is blank.

    A path is a string "a > b", a list of strings or of objects with names, or an
    object with a name and, maybe, a parent. Of a list with whole paths the first of
    them counts. Only the first `DEEPEST_PATH` steps are kept.

    Raises:
        Unusable: Nothing of it has a name.
    """
    path = _to_path(value, notes)
    return path and _cut(path, notes)


def plain_category(value: object) -> tuple[str, ...] | None:
    """
    The shortcut of `to_category`.
    """
    values = value if type(value) is list else [value]
    if not 0 < len(values) <= DEEPEST_PATH:
        return None
    steps = [
        step
        for step in values
        if type(step) is str and len(step) <= LONGEST_LABEL and _is_step(step)
    ]
    return _without_repeats(steps) if len(steps) == len(values) else None


@lru_cache(KNOWN_LABELS)
def _is_step(text: str) -> bool:
    return known_label(text) is not None and _STEP.search(text) is None


def _to_path(value: object, notes: list[str]) -> tuple[str, ...] | None:
    match value:
        case str():
            plain = to_plain(value[:LONGEST_MARKUP])
            steps: list[object] = [
                *_cut(_STEP.split(plain, maxsplit=DEEPEST_PATH), notes)
            ]
        case list():
            return _to_path_of_list(value[:MOST_CATEGORIES], notes)
        case Mapping():
            steps = [*_line_of(value)][::-1]
        case _:
            steps = [value]
    return _without_repeats(all_usable(steps, to_label, notes)) or None


def _to_path_of_list(values: list[object], notes: list[str]) -> tuple[str, ...] | None:
    paths = all_usable(values, _to_path, notes)
    whole = (path for path in paths if len(path) > 1)
    joined = [step for path in paths for step in path]
    return next(whole, _without_repeats(joined)) or None


def _cut(path: Sequence[str], notes: list[str]) -> tuple[str, ...]:
    if len(path) > DEEPEST_PATH:
        notes.append(CUT)
    return tuple(path[:DEEPEST_PATH])


def _line_of(category: Mapping[str, Any]) -> Iterator[object]:
    """
    Yield a category and its ancestors, innermost first, as far as they have names.
    """
    node: Any = category
    for _ in range(DEEPEST_PATH):
        yield node
        if not isinstance(node, Mapping):
            return
        node = next((node[at] for at in PARENTS if node.get(at)), None)
        if not isinstance(node, Mapping | str) or is_reference(node):
            return


def _without_repeats(steps: list[str]) -> tuple[str, ...]:
    if len({*steps}) == len(steps):
        return tuple(steps)
    before = [None, *steps]
    return tuple(
        step for step, last in zip(steps, before, strict=False) if step != last
    )
