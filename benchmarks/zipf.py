"""
What visitors look at: a few products often, most seldom.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np


T = TypeVar("T")


class Popularity(Generic[T]):
    """
    Draws from *things* by Zipf's law, in a random order of popularity; seeded.
    """

    def __init__(self, things: Sequence[T], seed: int) -> None:
        self._things = things
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(things))
        self._below = np.cumsum(1.0 / np.arange(1, len(things) + 1))

    def draw(self, count: int) -> list[T]:
        """
        Return *count* of them, the same one as often as it comes.
        """
        drawn = self._random.random(count) * self._below[-1]
        ranks = np.searchsorted(self._below, drawn, side="right")
        return [self._things[place] for place in self._order[ranks]]

    def once(self, count: int) -> list[T]:
        """
        Return *count* of them, or all, none twice, in any order.
        """
        return [self._things[place] for place in self._order[:count]]
