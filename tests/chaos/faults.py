"""
What lanes of faults have in common: each takes from a deck of its own.
"""

from __future__ import annotations

import random

from collections.abc import Callable, Mapping, Sequence

from tests.chaos.journal import Journal
from tests.chaos.windows import Windows


Fault = Callable[[random.Random], None]


class Lane:
    """
    Does one fault, and mends it, when it is called; returns how long to rest.

    A deck is gone through before it is shuffled again, so that a short run has all.

    Attributes:
        under_way: While one is.
    """

    def __init__(
        self,
        faults: Mapping[str, Fault],
        rest_s: tuple[float, float],
        journal: Journal,
    ) -> None:
        """
        Args:
            faults: The deck, by name.
            rest_s: The least and the longest time between two of them.
            journal: Counts them.
        """
        self.under_way = Windows()
        self._faults = faults
        self._rest_s = rest_s
        self._journal = journal
        self._deck: Sequence[str] = ()
        self._done: set[str] = set()

    @property
    def has_done_all(self) -> bool:
        """
        Whether each fault was done at least once.
        """
        return self._done == self._faults.keys()

    def __call__(self, chance: random.Random) -> float:
        """
        Do the next fault of the deck.
        """
        self._deck = self._deck or chance.sample(tuple(self._faults), len(self._faults))
        name, *self._deck = self._deck
        with self.under_way.opened(), self._journal.noted("faults", name):
            self._faults[name](chance)
        self._done.add(name)
        return chance.uniform(*self._rest_s)
