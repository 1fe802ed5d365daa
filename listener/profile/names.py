"""
What the name of a field says of the field.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final


STANDINGS: Final = (1.0, 0.85, 0.7)  # of a name in the first, second, third list
STEP: Final = 0.97  # what each step down to a value takes away
FAR: Final = 0.3  # what is left when the value is one of several, as of variants

_PARTS = re.compile(r"[^\W\d_]+|\d+")
_NUMBER = re.compile(r"-?\d+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DOTLESS: Final = str.maketrans(
    {"\u0131": "i", "ø": "o", "ł": "l", "ß": "ss", "æ": "ae"}
)


def _read_words() -> dict[str, Any]:
    text = (files(__package__) / "words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _parts(name: str) -> Iterator[str]:
    plain = unicodedata.normalize("NFKD", _HUMPS.sub(" ", name)).translate(_DOTLESS)
    bare = "".join(mark for mark in plain if not unicodedata.combining(mark))
    yield from _PARTS.findall(bare.lower())


def plain_word(text: str) -> str:
    """
    Return a word of a document as the table has it: `In Review` is "inreview".
    """
    return text if _NUMBER.fullmatch(text) else "".join(_parts(text))


def _known(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(plain_word, words))


_WORDS: Final = _read_words()
_STANDING: Final[Mapping[str, Mapping[str, float]]] = {
    role: {
        plain_word(name): standing
        for names, standing in reversed([*zip(lists, STANDINGS, strict=True)])
        for name in names
    }
    for role, lists in _WORDS["fields"].items()
}
_SILENT: Final = _known(_WORDS["around"]["silent"])
_FILLER: Final = _known(_WORDS["around"]["filler"])
_FOREIGN: Final = _known(_WORDS["around"]["foreign"])
_LANGUAGES: Final = _known(_WORDS["around"]["languages"])

ROLES: Final = tuple(_STANDING)
# Of these one value of several is as good as another: the first usable one counts.
MANIFOLD: Final = frozenset(
    {"attributes", "category", "image", "price", "stock", "tags"}
)

STATES: Final = _known(_WORDS["visibility"]["states"])
SHOWS: Final = _known(_WORDS["visibility"]["shows"])
HIDES: Final = _known(_WORDS["visibility"]["hides"])
SINCE: Final = _known(_WORDS["visibility"]["since"])
SHOWN: Final = _known(_WORDS["visibility"]["shown"])
UNSEEN: Final = _known(_WORDS["visibility"]["unseen"])


@functools.cache
def folded(name: str) -> str:
    """
    Return *name* as the table of words has it: `productName_en` is "name".
    """
    parts = [*_parts(name)]
    if len(parts) > 1 and parts[-1] in _LANGUAGES:
        parts.pop()
    telling = [part for part in parts if part not in _FILLER]
    return "".join(telling or parts)


def standing(role: str, steps: Sequence[str], *, is_one_of_many: bool) -> float:
    """
    Return how surely a path means *role* by its names alone, from 0 to 1.

    Args:
        role: One of `ROLES`.
        steps: Of the path, down to the value.
        is_one_of_many: Whether it leads through a list of objects.
    """
    found = _standing_of(role, [folded(step) for step in steps])
    if is_one_of_many and role not in MANIFOLD:
        found *= FAR
    return found * STEP ** (len(steps) - 1)


def is_foreign(steps: Sequence[str]) -> bool:
    """
    Return whether a path leads to what describes something else than the product.
    """
    return any(folded(step) in _FOREIGN for step in steps[:-1])


def _standing_of(role: str, names: Sequence[str]) -> float:
    """
    Return that of the last name, or, when it says nothing by itself, of what is
    before it.
    """
    *around, last = names
    found = _STANDING[role].get(last, 0.0)
    if any(_is_of_another(name, role) for name in around):
        found = 0.0
    if around and (last in _SILENT or last in _LANGUAGES):
        return max(found, _standing_of(role, around))
    return found


def _is_of_another(name: str, role: str) -> bool:
    return name in _FOREIGN or any(
        _STANDING[other].get(name) == STANDINGS[0]
        for other in ROLES
        if other not in {role, "attributes", "parent", "popularity"}
    )
