"""
What the collection holds, read anew and kept current.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from listener.clock import Clock
from listener.errors import Unreachable
from listener.feed import Batch, Feed, Source
from listener.progress import Show, shown
from listener.reading import Reading
from listener.rebuild import PULSE_S
from listener.status import NEVER
from recommender.mutation import Clear, Delete, Upsert
from recommender.position import ClusterTime
from recommender.product import Product


STUCK: Final = (
    "the change stream does not come to the database's own time: is a majority of the "
    "replica set up?"
)


class Truth:
    """
    The products of the collection, kept current by a feed of its own.

    Attributes:
        products: By key.
        terms: Their tf(d, t), by key, of those that were not written meanwhile.
    """

    def __init__(  # noqa: PLR0913, PLR0917 each is one thing it reads by
        self,
        source: Source,
        feed: Feed,
        reading: Reading,
        clock: Clock,
        patience_s: float,
        show: Show = shown,
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._patience_s = patience_s
        self._as_of = NEVER
        self.products: dict[bytes, Product] = {}
        self.terms: dict[bytes, Mapping[str, float]] = {}
        early = self._first_batches()
        batches = reading.read(source)
        for batch in show(batches, total=source.count(), task="verify", clock=clock):
            for product, terms in batch:
                self.products[product.key] = product
                self.terms[product.key] = terms
        for taken in early:
            self._apply(taken)

    def follow_to(self, time: ClusterTime) -> frozenset[bytes]:
        """
        Take in all that was written up to *time*; return the keys of all that was
        taken in.

        That may be more: a batch is taken whole, and its products may be newer still.

        Raises:
            Unreachable: The feed does not come so far, as without a majority.
        """
        touched: set[bytes] = set()
        deadline = self._clock.monotonic() + self._patience_s
        while self._as_of < time:
            if self._clock.monotonic() >= deadline:
                raise Unreachable(STUCK)
            batch = self._feed.take(PULSE_S)
            if batch is not None:
                touched |= self._apply(batch)
        return frozenset(touched)

    def _first_batches(self) -> list[Batch]:
        """
        Return what the feed says first: it is open from there.
        """
        early: list[Batch] = []
        while not early or early[-1].reached is None:
            batch = self._feed.take(PULSE_S)
            early += [] if batch is None else [batch]
        return early

    def _apply(self, batch: Batch) -> set[bytes]:
        touched = set()
        for mutation in batch.mutations:
            match mutation:
                case Upsert(product):
                    self.products[product.key] = product
                    self.terms.pop(product.key, None)
                    touched.add(product.key)
                case Delete(key):
                    self.products.pop(key, None)
                    self.terms.pop(key, None)
                    touched.add(key)
                case Clear():
                    touched |= self.products.keys()
                    self.products.clear()
                    self.terms.clear()
        if batch.reached is not None:
            self._as_of = batch.reached.as_of
        return touched
