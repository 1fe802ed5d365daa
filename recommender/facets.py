"""
From the words of a filter to a segment's codes.
"""

from __future__ import annotations

import functools
import weakref

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Final

from recommender.blob import Blob
from recommender.segment import Segment, category_path
from recommender.text import fold


REMEMBERED: Final = 1_024  # names, most of which are asked for again and again


@dataclass(frozen=True, slots=True)
class Codes:
    """
    The codes that each name stands for, whatever its case.
    """

    size: int
    by_name: Mapping[str, list[int]]
    by_whole: Mapping[str, list[int]]

    def of(self, name: str) -> list[int]:
        """
        Return the codes of *name*, a brand, a category or a path "a > b" of them.
        """
        return self.by_name.get(_normal(name), [])

    def of_whole(self, value: str) -> list[int]:
        """
        Return the codes of *value* alone: of a category's path, not of its name.
        """
        return self.by_whole.get(_normal(value), [])


def category_codes(segment: Segment) -> Codes:
    """
    Return the codes of a segment's categories, by path and by innermost name.
    """
    return _remembered(_categories, segment, segment.category_values, _category_names)


def brand_codes(segment: Segment) -> Codes:
    """
    Return the codes of a segment's brands.
    """
    return _remembered(_brands, segment, segment.brand_values, _brand_names)


_categories: weakref.WeakKeyDictionary[Segment, Codes] = weakref.WeakKeyDictionary()
_brands: weakref.WeakKeyDictionary[Segment, Codes] = weakref.WeakKeyDictionary()


def _remembered(
    memory: MutableMapping[Segment, Codes],
    segment: Segment,
    values: Blob,
    to_names: Callable[[str], Iterable[str]],
) -> Codes:
    codes = memory.get(segment)
    if codes is None:
        codes = memory[segment] = _to_codes(values, to_names)
    return codes


def _to_codes(values: Blob, to_names: Callable[[str], Iterable[str]]) -> Codes:
    by_name: dict[str, list[int]] = {}
    by_whole: dict[str, list[int]] = {}
    for code, value in enumerate(values):
        text = value.decode("utf-8", "surrogatepass")
        by_whole.setdefault(_normal(text), []).append(code)
        for name in to_names(text):
            by_name.setdefault(name, []).append(code)
    return Codes(len(values), by_name, by_whole)


def _category_names(path: str) -> set[str]:
    normal = _normal(path)
    return {normal, normal.rpartition(" > ")[2]}


def _brand_names(brand: str) -> tuple[str]:
    return (_normal(brand),)


@functools.lru_cache(REMEMBERED)
def _normal(name: str) -> str:
    return category_path([part.strip() for part in fold(name).split(">")])
