"""
How many products each category has.
"""

from __future__ import annotations

import weakref

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender.snapshot import ENCODING, Snapshot
from recommender.text import fold


SEPARATOR: Final = " > "


@dataclass(frozen=True, slots=True)
class Category:
    """
    A category.

    Attributes:
        path: From the root.
        name: The innermost.
        products: Visible ones in it, and in those below it.
    """

    path: str
    name: str
    products: int


def categories(snapshot: Snapshot) -> tuple[Category, ...]:
    """
    Return all categories with a visible product, in order of their paths. Spellings
    that differ by case are one category, named as most products name it.
    """
    counted = _counted.get(snapshot)
    if counted is None:
        counted = _counted[snapshot] = tuple(_count(snapshot))
    return counted


_counted: Final = weakref.WeakKeyDictionary[Snapshot, tuple[Category, ...]]()


def _count(snapshot: Snapshot) -> list[Category]:
    spellings: dict[str, Counter[str]] = {}
    for spelling, count in _by_spelling(snapshot).items():
        spellings.setdefault(fold(spelling), Counter())[spelling] += count
    found = []
    for folded in sorted(spellings, key=lambda path: path.split(SEPARATOR)):
        counts = spellings[folded]
        path = min(counts, key=lambda spelling: (-counts[spelling], spelling))
        name = path.rpartition(SEPARATOR)[2]
        found.append(Category(path, name, counts.total()))
    return found


def _by_spelling(snapshot: Snapshot) -> Counter[str]:
    counts: Counter[str] = Counter()
    for view in snapshot.views:
        segment = view.segment
        shown = segment.visible & ~view.dead
        codes = segment.category_codes[
            np.repeat(shown, np.diff(segment.category_indptr))
        ]
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            counts[segment.category_values[code].decode(*ENCODING)] += int(count)
    return counts
