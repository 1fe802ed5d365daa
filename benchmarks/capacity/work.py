"""
The three things that a catalogue's processes do, each measured in a fresh process.
"""

from __future__ import annotations

import itertools
import math
import os
import time

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from benchmarks.capacity.measured import Built, Changed, Served, Spread
from benchmarks.catalogue import Document, generate
from benchmarks.goals import QUERIES
from benchmarks.process_stats import (
    peak_bytes,
    proportional_bytes,
    written_bytes,
)
from benchmarks.query import LIMIT, filters_of
from listener.build import ROWS
from listener.mapping import Mapper
from listener.opening import to_weights
from recommender import allocator
from recommender.bulk import join_segments
from recommender.index import Index
from recommender.manifest import SegmentRef
from recommender.mutation import Upsert
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.segment import Segment, build_segment
from recommender.settings import ListenerSettings, load_settings
from recommender.snapshot import Row, Snapshot
from recommender.store import Store, StoreReader


WARMING: Final = 20
DRAWN: Final = (
    10  # times as many products as are to be asked with; one in ten is hidden
)
NO_TIME: Final = ClusterTime(1, 1)
T = TypeVar("T")


class _Watch:
    """
    Adds up processor time of this process, all threads together.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, do: Callable[[], T]) -> T:
        """
        Return what *do* returns.
        """
        before = time.process_time()
        try:
            return do()
        finally:
            self.seconds += time.process_time() - before


def build(folder: Path, products: int, seed: int) -> Built:
    """
    Build a store in *folder*, of one segment, as a first start does: range by range,
    then joined.

    What a range gives goes into a file at once, so that what is joined need not be in
    memory; a listener keeps it there.
    """
    allocator.return_large()  # as each of our processes begins
    mapping, counting, joining, writing = (_Watch() for _ in range(4))
    settings = load_settings(ListenerSettings, [])
    weights = to_weights(settings)
    mapper = Mapper(settings)
    ranges: list[Segment] = []
    with Store.open(folder) as store:
        for documents in _batches(itertools.islice(generate(seed), products)):
            mapped = mapping.timed(lambda: _to_products(mapper, documents))  # noqa: B023
            segment = counting.timed(lambda: build_segment(mapped, weights))  # noqa: B023
            ranges.append(store.keep(segment))
        kept = _join(store, ranges, joining, writing)
        ranges.clear()
        index = Index(weights, [kept])
        _publish(store, index)
        writing.timed(lambda: store.make_durable(final=True))
        disk = sum(ref.size for ref in _named(store))
    return Built(
        mapping.seconds,
        counting.seconds,
        joining.seconds,
        writing.seconds,
        peak_bytes(os.getpid()),
        disk,
        len(kept.dictionary),
        len(kept.terms),
    )


def serve(folder: Path, samples: int, seed: int) -> Served:
    """
    Open the store in *folder* and ask it *samples* questions of each kind.
    """
    allocator.return_large()
    empty = proportional_bytes(os.getpid())
    opening = _Watch()
    snapshot = opening.timed(lambda: _open(folder))
    draw = np.random.default_rng(seed)
    queries = {kind: _ask(snapshot, kind, samples, draw) for kind in QUERIES}
    return Served(
        opening.seconds,
        empty,
        proportional_bytes(os.getpid()),
        queries,
    )


def change(folder: Path, samples: int, seed: int) -> Changed:
    """
    Change the prices of *samples* products of the store in *folder*, one after the
    other: apply, publish, and derive the next snapshot, as both processes do.
    """
    allocator.return_large()
    settings = load_settings(ListenerSettings, [])
    documents = list(itertools.islice(generate(seed), samples + WARMING))
    steps: dict[str, list[float]] = {"apply": [], "write": [], "derive": []}
    written = []
    with Store.open(folder) as store:
        index = Index(to_weights(settings), store.load().segments)
        reader = StoreReader(folder)
        generation = reader.load(reader.read_manifest())
        snapshot = Snapshot.derive(generation)
        for product in _to_products(Mapper(settings), documents):
            dearer = product._replace(price=product.price + 1.0)
            before = written_bytes(os.getpid())
            took = [_Watch() for _ in steps]
            took[0].timed(lambda: (index.apply([Upsert(dearer)]), index.freeze()))  # noqa: B023
            took[1].timed(lambda: _publish(store, index))
            written.append(written_bytes(os.getpid()) - before)
            manifest = reader.read_manifest()
            generation = took[2].timed(lambda: reader.load(manifest, generation))  # noqa: B023
            snapshot = took[2].timed(lambda: Snapshot.derive(generation, snapshot))  # noqa: B023
            for step, watch in zip(steps.values(), took, strict=True):
                step.append(watch.seconds)
    return Changed(
        _to_spread(steps["apply"][WARMING:]),
        _to_spread(steps["write"][WARMING:]),
        _to_spread(steps["derive"][WARMING:]),
        float(np.median(written[WARMING:])),
    )


def _join(
    store: Store, ranges: Sequence[Segment], joining: _Watch, writing: _Watch
) -> Segment:
    joined = joining.timed(lambda: join_segments(ranges))
    return writing.timed(lambda: store.keep(joined))


def _to_products(mapper: Mapper, documents: Sequence[Document]) -> list[Product]:
    return [mapper.to_product(document).product for document in documents]


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    while batch := list(itertools.islice(documents, ROWS)):
        yield batch


def _publish(store: Store, index: Index) -> None:
    store.publish(
        index.freeze(),
        checkpoints={},
        as_of=NO_TIME,
        identity="",
        fingerprint="",
        products=index.products,
        visible=index.visible,
        written_s=None,
        now_s=time.time(),
    )


def _named(store: Store) -> Sequence[SegmentRef]:
    return store.current.segments if store.current else ()


def _open(folder: Path) -> Snapshot:
    reader = StoreReader(folder)
    return Snapshot.derive(reader.load(reader.read_manifest()))


def _ask(
    snapshot: Snapshot, kind: str, samples: int, draw: np.random.Generator
) -> Spread:
    took = []
    for row in _drawn(snapshot, WARMING + samples, draw):
        filters = filters_of(row, kind) if row.visible else None
        if filters is None:
            continue
        watch = _Watch()
        key = row.key
        watch.timed(lambda: snapshot.similar(key, limit=LIMIT, filters=filters))  # noqa: B023
        took.append(watch.seconds)
        if len(took) == WARMING + samples:
            break
    return _to_spread(took[WARMING:])


def _drawn(snapshot: Snapshot, fit: int, draw: np.random.Generator) -> Iterator[Row]:
    """
    Yield products of the one segment, each as likely as any other, so many that *fit*
    of them can be asked with, unless hardly any can.
    """
    (view,) = snapshot.views
    for row in draw.integers(len(view.segment), size=DRAWN * fit):
        yield Row(view, int(row))


def _to_spread(series_s: Sequence[float]) -> Spread:
    if not series_s:
        return Spread(math.nan, math.nan, math.nan)
    return Spread(*(np.percentile(series_s, (50, 95, 99)) * 1000).tolist())
