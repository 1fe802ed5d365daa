"""
What was bought together later, foretold from what was bought before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
import xxhash

from listener.clock import Clock
from listener.evaluate.asking import LIMIT
from listener.evaluate.catalogue import Catalogue, Numbers, Places
from listener.progress import shown
from recommender.bought import Purchases, blended
from recommender.filters import Filters
from recommender.lent import lend
from recommender.ranking import Choice
from recommender.snapshot import Snapshot


BATCH: Final = 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """
    What one product is asked with.

    Attributes:
        place: Its place.
        purchases: What the orders before say of it.
        lent: The same with what they lend it.
        filters: All but itself.
    """

    place: int
    purchases: Purchases
    lent: Purchases
    filters: Filters


# From a question to keys, best first.
Ranker = Callable[[Question], Iterable[bytes]]


@dataclass(frozen=True)
class Sales:
    """
    What to learn from, and what to foretell.

    Attributes:
        catalogue: All visible products, N.
        orders: The model of the orders before.
        later: The later orders, each as different places.
    """

    catalogue: Catalogue
    orders: Snapshot
    later: Sequence[Places]

    @cached_property
    def held(self) -> Places:
        """
        How many later orders hold each product, (N,).
        """
        empty = np.zeros(0, np.int64)
        return np.bincount(
            np.concatenate([empty, *self.later]), minlength=len(self.catalogue)
        )

    def gains(self, place: int) -> Numbers:
        """
        Return the share of the later orders of a product that hold each other, (N,);
        there must be one.
        """
        own = [self.later[number] for number in self._orders_of[place]]
        counts = np.bincount(np.concatenate(own), minlength=len(self.catalogue))
        counts[place] = 0
        return counts / len(own)

    def question(self, place: int) -> Question:
        """
        Return what the product at a place is asked with.
        """
        row = self.catalogue.rows[place]
        purchases = Purchases.of(self.orders, row.key)
        lent = lend(self.catalogue.snapshot, self.orders, row, purchases)
        return Question(place, purchases, lent, Filters(exclude=frozenset([row.key])))

    @cached_property
    def _orders_of(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for number, basket in enumerate(self.later):
            for place in basket.tolist():
                found[place].append(number)
        return found


def blend(sales: Sales, share: float) -> Ranker:
    """
    Return what `recommended` answers with when the orders count so much.
    """
    snapshot, rows = sales.catalogue.snapshot, sales.catalogue.rows

    def rank(one: Question) -> Iterable[bytes]:
        row, choice = rows[one.place], Choice(LIMIT)
        found = blended(snapshot, row, one.lent, one.filters, choice, share=share)
        return (bought.key for bought in found)

    return rank


def foretold(
    sales: Sales, asked: Places, rankers: Mapping[T, Ranker], clock: Clock
) -> dict[T, Numbers]:
    """
    Return nDCG at `LIMIT` of each product asked about (Järvelin and Kekäläinen 2002),
    where an answer gains the share of the product's later orders that hold it, (Q,), by
    ranker; 0 where nothing was bought with it.
    """
    discounts = 1.0 / np.log2(np.arange(LIMIT) + 2)
    values: dict[T, list[float]] = {name: [] for name in rankers}
    places = asked.tolist()
    batches = [places[at : at + BATCH] for at in range(0, len(places), BATCH)]
    for batch in shown(batches, total=len(places), task="foretell", clock=clock):
        for place in batch:
            gains = sales.gains(place)
            best = np.sort(gains)[-LIMIT:][::-1]
            ideal = float(best @ discounts[: len(best)])
            question = sales.question(place)
            for name, ranker in rankers.items():
                found = [sales.catalogue.places[key] for key in ranker(question)]
                gained = float(gains[found] @ discounts[: len(found)])
                values[name].append(gained / ideal if ideal else 0.0)
    return {name: np.array(some) for name, some in values.items()}


def luck(key: bytes) -> float:
    """
    Return a number from 0 to 1 that is always the same for a key.
    """
    return float(xxhash.xxh3_64_intdigest(key) / 2**64)
