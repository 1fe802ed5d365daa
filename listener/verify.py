"""
The proof: the served model against one trained from scratch on the collection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from listener.clock import Clock
from listener.compare import (
    ALL_RANKINGS,
    Difference,
    differences,
    presence_differences,
    row_differences,
)
from listener.feed import Batch, Feed, Source
from listener.progress import shown
from listener.rebuild import PULSE_S
from listener.signals import Stop
from listener.status import NEVER
from recommender.errors import StoreCorrupt
from recommender.manifest import Manifest
from recommender.mutation import Clear, Delete, Upsert
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.snapshot import Snapshot
from recommender.store import StoreReader
from recommender.weights import Weights, term_weights


PATIENCE_S: Final = 10.0  # for a listener to catch up, and for moving products to rest
POLL_S: Final = 0.02
SHOWN: Final = 20  # differences that are logged one by one

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a comparison found.

    Attributes:
        differences: All of them.
        products: In the collection.
        rankings: How many products' rankings were compared.
        rechecked: Products that were written meanwhile, and compared afterwards.
        unsettled: Products that never rested, and were not compared.
        behind: Whether the model never came to where the collection was.
        took_s: How long it took.
    """

    differences: tuple[Difference, ...]
    products: int
    rankings: int
    rechecked: int
    unsettled: int
    behind: bool
    took_s: float

    @property
    def is_equal(self) -> bool:
        """
        Whether the model is what the collection says.
        """
        return not self.differences


class Truth:
    """
    The products of the collection, kept current by a feed of its own.
    """

    def __init__(self, source: Source, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._as_of = NEVER
        self.products: dict[bytes, Product] = {}
        early = self._first_batches()
        batches = source.scan()
        for batch in shown(batches, total=source.count(), task="verify", clock=clock):
            self.products |= {product.key: product for product in batch}
        for taken in early:
            self._apply(taken)

    def follow_to(self, time: ClusterTime) -> frozenset[bytes]:
        """
        Take in all that was written up to *time*; return the keys it touched.
        """
        touched: set[bytes] = set()
        while self._as_of < time:
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
                    touched.add(product.key)
                case Delete(key):
                    self.products.pop(key, None)
                    touched.add(key)
                case Clear():
                    touched |= self.products.keys()
                    self.products.clear()
        if batch.reached is not None:
            self._as_of = batch.reached.as_of
        return touched


@dataclass(frozen=True, slots=True)
class Verification:
    """
    Compares a store with the collection that it follows.
    """

    source: Source
    reader: StoreReader
    weights: Weights
    clock: Clock
    stop: Stop

    def run(self) -> Report:
        """
        Return in what they differ.

        Products written meanwhile are compared once the model has passed them.

        Raises:
            StoreEmpty: There is no model yet.
            ListenerError: The database cannot be read.
        """
        started = self.clock.monotonic()
        with self.source.follow(None) as feed:
            truth = Truth(self.source, feed, self.clock)
            snapshot, moving, is_behind = self._settle(truth)
            found = list(differences(snapshot, truth.products, self.weights, moving))
            pending = self._recheck(truth, moving, found)
        return Report(
            differences=tuple(found),
            products=len(truth.products),
            rankings=min(snapshot.products, ALL_RANKINGS),
            rechecked=len(moving) - len(pending),
            unsettled=len(pending),
            behind=is_behind,
            took_s=self.clock.monotonic() - started,
        )

    def _settle(self, truth: Truth) -> tuple[Snapshot, frozenset[bytes], bool]:
        """
        Return a snapshot, what was written while it was taken, and whether it is
        behind; without such writes if there is any moment without.
        """
        deadline = self.clock.monotonic() + PATIENCE_S
        while True:
            snapshot, moving, is_behind = self._meet(truth)
            if not moving or is_behind or self.clock.monotonic() >= deadline:
                return snapshot, moving, is_behind

    def _meet(self, truth: Truth) -> tuple[Snapshot, frozenset[bytes], bool]:
        """
        Bring the truth and a snapshot to one time.

        A product that nobody wrote between that time and the end is the same in both.
        """
        time = self.source.now()
        truth.follow_to(time)
        snapshot, is_behind = self._snapshot_at(time)
        return snapshot, truth.follow_to(self.source.now()), is_behind

    def _snapshot_at(self, time: ClusterTime) -> tuple[Snapshot, bool]:
        """
        Return a snapshot that holds all written up to *time*, and False; or, when it
        does not come, the newest there is, and True.
        """
        deadline = self.clock.monotonic() + PATIENCE_S
        while True:
            manifest = self.reader.read_manifest()
            is_behind = max(manifest.as_of, self._known_as_of(manifest)) < time
            is_late = self.clock.monotonic() >= deadline
            if not is_behind or is_late:
                try:
                    return Snapshot.derive(self.reader.load(manifest)), is_behind
                except StoreCorrupt:
                    if is_late:
                        raise
            self.stop.wait(POLL_S)

    def _known_as_of(self, manifest: Manifest) -> ClusterTime:
        position = self.reader.read_position()
        if position is None or position.generation != manifest.generation:
            return NEVER
        return position.as_of

    def _recheck(
        self, truth: Truth, moving: frozenset[bytes], found: list[Difference]
    ) -> frozenset[bytes]:
        """
        Compare *moving* products when they rest; return those that never do.
        """
        deadline = self.clock.monotonic() + PATIENCE_S
        while moving and self.clock.monotonic() < deadline:
            snapshot, touched, _ = self._meet(truth)
            for key in moving - touched:
                found += self._one(snapshot, truth.products.get(key), key)
            moving &= touched
        return moving

    def _one(
        self, snapshot: Snapshot, product: Product | None, key: bytes
    ) -> Iterator[Difference]:
        row = snapshot.find(key)
        if row is not None and product is not None:
            terms = term_weights(product, self.weights)
            return row_differences(row, product, terms)
        return presence_differences(
            {} if row is None else {key: row},
            {} if product is None else {key: product},
        )


def say(report: Report) -> None:
    """
    Log what was found.
    """
    for difference in report.differences[:SHOWN]:
        log.error(
            "verify.difference",
            product_id=difference.product_id,
            what=difference.what,
            model=difference.model,
            collection=difference.collection,
        )
    log.info(
        "verify.done",
        equal=report.is_equal,
        differences=len(report.differences),
        products=report.products,
        rankings=report.rankings,
        rechecked=report.rechecked,
        unsettled=report.unsettled,
        behind=report.behind,
        took_s=round(report.took_s, 2),
    )
