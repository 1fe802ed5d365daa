"""
Where the processor time of one price change goes, stage by stage.

One process does what listener and server do, without a database, so that each stage can
be timed by itself.
"""

from __future__ import annotations

import random
import time

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, Final, TypeVar

from benchmarks.catalogue import Document
from benchmarks.figures import Figure
from benchmarks.shop import Shop
from listener.mapping import Mapper
from recommender.bulk import Builder
from recommender.index import Index
from recommender.mutation import Upsert
from recommender.position import ClusterTime
from recommender.store import GRACE_S, Store, StoreReader
from recommender.weights import Weights
from server.history import History
from server.loader import Served, read_next
from tests.support.documents import make_settings


T = TypeVar("T")

STAGES: Final = {
    "map": "from document to product",
    "apply": "into the index",
    "freeze": "a segment of it, and small merges",
    "publish": "files, and the rename",
    "load": "the server's next snapshot",
    "note": "what has changed for visitors",
}
WARMING: Final = 100
SEED: Final = 9


class _Line:
    """
    A catalogue in one process, from the document to what a server holds.
    """

    def __init__(self, shop: Shop) -> None:
        settings = make_settings()
        weights = Weights(settings.weights, sublinear=settings.sublinear)
        folder = shop.folder / "stages"
        self.store = Store.open(folder)
        self._reader = StoreReader(folder)
        self._mapper = Mapper(settings)
        self._documents = list(shop.catalogue())
        builder = Builder(weights)
        builder.add(self._mapper.to_product(d).product for d in self._documents)
        self._index = Index(weights, [self.store.keep(builder.finish())])
        self._served = Served()
        self._history = History()
        self._draw = random.Random(SEED)  # noqa: S311 no secret
        self._done = 0
        self.taken_s: dict[str, list[float]] = {stage: [] for stage in STAGES}

    def change(self) -> None:
        """
        Let one price change come through.
        """
        document = self._reprice()
        product = self._time("map", lambda: self._mapper.to_product(document).product)
        self._time("apply", lambda: self._index.apply([Upsert(product)]))
        segments = self._time("freeze", self._index.freeze)
        self._time("publish", lambda: self._publish(segments))
        before = self._served
        served = self._time("load", lambda: read_next(self._reader, before))
        self._time("note", lambda: self._note(before, served))
        self._served = served
        self.store.collect_garbage(self._done * GRACE_S)

    def _reprice(self) -> Document:
        document = self._draw.choice(self._documents)
        document["price"] = round(self._draw.uniform(1, 1_000), 2)
        return document

    def _publish(self, segments: Any) -> None:
        self._done += 1
        self.store.publish(
            segments,
            checkpoints={"products": "none"},
            as_of=ClusterTime(1, self._done),
            identity="none",
            fingerprint="none",
            products=self._index.products,
            visible=self._index.visible,
            written_s=time.time(),
            now_s=time.time(),
        )

    def _note(self, before: Served, after: Served) -> None:
        if after.snapshot is not None:
            self._history.note(before.snapshot, after.snapshot)

    def _time(self, stage: str, do: Callable[[], T]) -> T:
        started = time.thread_time()
        done = do()
        self.taken_s[stage].append(time.thread_time() - started)
        return done


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the median processor time of each stage.
    """
    line = _Line(shop)
    with line.store:
        for _ in range(WARMING):
            line.change()
        for taken in line.taken_s.values():
            taken.clear()
        for _ in range(2 * shop.effort.samples):
            line.change()
    for stage, what in STAGES.items():
        yield Figure(
            f"stages.{stage}",
            f"a price change: {what}",
            median(line.taken_s[stage]) * 1000,
            "ms",
        )
