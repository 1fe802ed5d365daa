"""
The bulk of the catalogue: products that nobody deletes, changed at a steady pace.
"""

from __future__ import annotations

import itertools
import random
import time

from collections.abc import Iterator
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.collection import Collection

from benchmarks.catalogue import generate, to_id
from tests.chaos.journal import Journal
from tests.chaos.stock import Document


# Writers rate everything of which less is in stock: that is meant for their own products.
IN_STOCK: Final = 1_000
TEXTS: Final = 0.1  # of the updates; the others are of prices
BEAT_S: Final = 0.5  # between two bursts
MOST_AT_ONCE: Final = 5_000


def ballast(count: int) -> Iterator[Document]:
    """
    Yield *count* products, always the same.
    """
    for document in itertools.islice(generate(), count):
        yield {**document, "status": "approved", "stock": IN_STOCK}


class Updater:
    """
    Updates by chance when called, so many that the pace is kept; returns how long to
    rest.
    """

    def __init__(
        self,
        products: Collection[Document],
        count: int,
        updates: int,
        seconds: float,
        journal: Journal,
    ) -> None:
        """
        Args:
            products: Where they are.
            count: How many of them there are.
            updates: How many to make of them in all.
            seconds: In which time, from the first call on.
            journal: Counts them.
        """
        self._products = products
        self._count = count
        self._updates = updates
        self._per_s = updates / seconds
        self._journal = journal
        self._texts = generate(seed=1)
        self._began_at: float | None = None
        self._done = 0

    @property
    def is_done(self) -> bool:
        """
        Whether all updates have been made.
        """
        return self._done >= self._updates

    def __call__(self, chance: random.Random) -> float:
        """
        Send what is due.
        """
        now = time.monotonic()
        if self._began_at is None:
            self._began_at = now
        due = min(self._updates, int((now - self._began_at) * self._per_s))
        burst = [self._draw(chance) for _ in range(min(due - self._done, MOST_AT_ONCE))]
        if burst:
            self._products.bulk_write(burst, ordered=False)
            self._done += len(burst)
            self._journal.count("writes", "update of the ballast", len(burst))
        return BEAT_S

    def _draw(self, chance: random.Random) -> UpdateOne:
        change: dict[str, Any] = {"price": round(chance.uniform(1, 900), 2)}
        if chance.random() < TEXTS:
            change = {"name": next(self._texts)["name"]}
        return UpdateOne(
            {"_id": to_id(chance.randrange(self._count))}, {"$set": change}
        )
