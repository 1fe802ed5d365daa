"""
Values that only refer to a document of another collection, by its `_id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from bson import Int64, ObjectId

from listener.values.paths import MISSING, Path, Whole


LONGEST_ID: Final = 200  # characters; a longer string is a text
MOST_REFERENCES: Final = 100  # of one array that are looked at

# What the documents that are referred to say, by their `_id`: an object with a name
# and, maybe, a parent that is one, too.
Named = Mapping[object, Mapping[str, Any]]
# The same by the field of a product, as settings name it: "category", "brand".
Names = Mapping[str, Named]
NO_NAMES: Final[Names] = MappingProxyType({})

_KINDS: Final = (ObjectId, str, int, Int64, UUID)


def is_id(value: object) -> bool:
    """
    Return whether *value* may refer to a document, or name itself. A double without a
    fraction may: JavaScript's drivers write integers beyond 32 bits so, and to MongoDB
    it equals the integer.
    """
    if type(value) is str:
        return len(value) <= LONGEST_ID
    if type(value) is float:
        return value.is_integer()
    return type(value) in _KINDS


def to_references(document: Mapping[str, Any], path: Path) -> Iterator[object]:
    """
    Yield the values at *path* that may refer to a document: exactly those by which a
    query of MongoDB for one of them at the same path finds *document*.
    """
    for leaf in path.leaves(document):
        yield from filter(is_id, _elements(leaf))


def find_named(document: Mapping[str, Any], path: Path, named: Named) -> Any:
    """
    Return what `Path.find` does, but for references those documents that are *named*:
    of others than it refers to, nothing shows.
    """
    found = [_to_named(leaf, named) for leaf in path.leaves(document)]
    there = [leaf for leaf in found if leaf is not MISSING]
    return there[0] if len(there) == 1 else there or None


def _elements(leaf: object) -> list[Any]:
    if isinstance(leaf, list) and not isinstance(leaf, Whole):
        return leaf[:MOST_REFERENCES]
    return [leaf]


def _to_named(leaf: object, named: Named) -> object:
    if isinstance(leaf, list):
        if isinstance(leaf, Whole):
            return leaf
        first = [_of_id(one, named) for one in leaf[:MOST_REFERENCES]]
        return [*first, *leaf[MOST_REFERENCES:]]
    return _of_id(leaf, named)


def _of_id(value: object, named: Named) -> object:
    return named.get(value, value) if is_id(value) else value
