"""
Which documents are of products that visitors may see: a query, from a sample.
"""

from __future__ import annotations

import json
import re

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from listener.profile.names import (
    HIDES,
    SHOWN,
    SHOWS,
    SINCE,
    STATES,
    UNSEEN,
    folded,
    is_foreign,
    plain_word,
)
from listener.profile.paths import Document
from listener.values.numbers import IN_STOCK, OUT_OF_STOCK
from listener.values.paths import Path
from recommender.settings import DEFAULT_VISIBLE_WHEN


USUAL: Final = 0.9  # of its words must be known, else a field means something else
DEEPEST: Final = 3  # steps
# Of no use to tell whether a word is one of stock.
_PLAIN: Final = frozenset({"yes", "true", "y", "no", "false", "n"})
_NOT: Final = frozenset({"", "0", "false", "no", "n", "off"})
_TIME = re.compile(r"\d{4}-\d\d-\d\d")
# What will be shown of a shop in which nothing is yet.
_FIRST: Final = ("approved", "active", "published")


def to_query(documents: Sequence[Document], paths: Mapping[str, bool]) -> str | None:
    """
    Return the query, as extended JSON; None when it is the default one.

    It lets pass what documents in the sample that are public have, and what has
    nothing there; any word that is unknown hides. Of several fields all must let pass.
    """
    usual: dict[str, Any] = json.loads(DEFAULT_VISIBLE_WHEN)
    query = dict(usual)
    for path in _own(paths):
        clause = _to_clause(path, _values(documents, path))
        if clause is not None:
            query[path] = clause
        elif _is_stock(path, _values(documents, path)):
            query.pop(path, None)
    if query == usual and not any(path in paths for path in usual):
        query |= dict(_since(documents, paths))
    return None if query == usual else json.dumps(query, ensure_ascii=False)


def _own(paths: Mapping[str, bool]) -> Iterator[str]:
    for path, is_one_of_many in paths.items():
        steps = path.split(".")
        if not is_one_of_many and len(steps) <= DEEPEST and not is_foreign(steps):
            yield path


def _values(documents: Sequence[Document], path: str) -> list[Any]:
    found = map(Path.parse(path).find, documents)
    return [value for value in found if value is not None]


def _to_clause(path: str, values: Sequence[Any]) -> dict[str, list[Any]] | None:
    name = _name(path)
    if name in HIDES and all(map(_is_flag_or_time, values)):
        others = [value for value in values if not isinstance(value, bool)]
        return {"$in": [None, False, *_distinct(others, _NOT)]}
    if name not in STATES | SHOWS or not values or _is_stock(path, values):
        return None
    words = [_word(value) for value in values]
    if sum(map(_is_known, words)) < USUAL * len(words):
        return None
    if all(map(_is_number, words)) and not set(words) & {"0", "1"}:
        return None  # numbers of another meaning
    return {"$in": [None, *(_distinct(values, SHOWN) or _first(values[0]))]}


def _is_stock(path: str, values: Sequence[Any]) -> bool:
    """
    Return whether the words of a state are those of stock.
    """
    words = {_word(value) for value in values}
    return (
        _name(path) in STATES
        and bool(words - _PLAIN)
        and words <= IN_STOCK | OUT_OF_STOCK
    )


def _since(
    documents: Sequence[Document], paths: Mapping[str, bool]
) -> Iterator[tuple[str, Any]]:
    for path in _own(paths):
        values = _values(documents, path)
        if _name(path) in SINCE and 0 < len(values) < len(documents):
            yield path, {"$ne": None}


def _name(path: str) -> str:
    return folded(path.rpartition(".")[2])


def _word(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:g}"
        case str():
            return plain_word(value.strip())
    return "?"


def _is_known(word: str) -> bool:
    """
    Return whether a word is one of a state: of numbers 1 shows and all others hide.
    """
    return word in SHOWN | UNSEEN or _is_number(word)


def _is_number(word: str) -> bool:
    return word.lstrip("-").isdigit()


def _is_flag_or_time(value: object) -> bool:
    return (
        isinstance(value, datetime)
        or _word(value) in SHOWN | UNSEEN | {""}
        or (isinstance(value, str) and _TIME.match(value) is not None)
    )


def _distinct(values: Sequence[Any], words: frozenset[str]) -> list[Any]:
    """
    Return those of *values* that are one of *words*, each once, in order.
    """
    chosen = {repr(value): value for value in values if _word(value) in words}
    return [chosen[name] for name in sorted(chosen)]


def _first(value: object) -> list[Any]:
    match value:
        case bool():
            return [True]
        case int() | float():
            return [1]
    return [*_FIRST]
