"""
Write-to-served: one change at a time, beside its bare change event.
"""

from __future__ import annotations

import itertools
import random
import time

from collections.abc import Iterator
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks.bare_stream import BareStream, bare_stream
from benchmarks.catalogue import generate_new
from benchmarks.connection import Connection
from benchmarks.figures import Figure, percentiles
from benchmarks.goals import KINDS
from benchmarks.seller import Change, Seller
from benchmarks.served import until_served
from benchmarks.shop import BESIDE, Effort, Shop, insert_all
from tests.support.processes import Pair


SEED: Final = 1
WARMING: Final = 5  # rounds that do not count
BESIDE_PRODUCTS: Final = 1_000
REST_S: Final = 0.01  # on average, between a change that is served and the next
SHOWN: Final = {
    "price": "write to served, price",
    "status": "write to served, status",
    "text": "write to served, text",
    "insert": "write to served, insert",
    "delete": "write to served, delete",
}


class Sellers(NamedTuple):
    """
    Who writes what we follow, and who the same to what only the plain stream follows.
    """

    ours: Seller
    beside: Seller


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield median and p99 of each kind of change.
    """
    pair = shop.follow()
    lines_before = len(pair.listener.logs("model.published"))
    sellers = Sellers(
        Seller(shop.products, shop.visible, generate_new(SEED), SEED),
        _beside(shop),
    )
    with (
        bare_stream(shop.uri, BESIDE) as stream,
        Connection(pair.port) as connection,
    ):
        ours, beside = _alternate(sellers, shop.effort, stream, connection)
    steps = _steps(pair, lines_before)
    for kind in KINDS:
        for figure in percentiles(
            f"freshness.{kind}", SHOWN[kind], ours[kind], beside[kind], "change event"
        ):
            figure.details.update(steps)
            yield figure


def _beside(shop: Shop) -> Seller:
    """
    Return who writes what only the plain stream follows.
    """
    documents = list(itertools.islice(shop.catalogue(), BESIDE_PRODUCTS))
    insert_all(shop.database[BESIDE], documents)
    ids = [d["_id"] for d in documents if d["status"] == "approved"]
    return Seller(shop.database[BESIDE], ids, generate_new(SEED), SEED)


def _alternate(
    sellers: Sellers, effort: Effort, stream: BareStream, connection: Connection
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """
    Return the seconds of each kind: until served, and until the bare event.
    """
    draw = random.Random(effort.seed)  # noqa: S311 no secret
    ours: dict[str, list[float]] = {kind: [] for kind in KINDS}
    beside: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for turn in range(WARMING + effort.samples):
        for kind in KINDS:
            served_s = until_served(connection, sellers.ours.change(kind))
            time.sleep(draw.uniform(0.0, 2 * REST_S))
            event_s = _until_event(stream, sellers.beside.change(kind))
            time.sleep(draw.uniform(0.0, 2 * REST_S))
            if turn >= WARMING:
                ours[kind].append(served_s)
                beside[kind].append(event_s)
    sellers.ours.settle()
    return ours, beside


def _until_event(stream: BareStream, change: Change) -> float:
    started = time.monotonic()
    change.send()
    return stream.next_at() - started


def _steps(pair: Pair, lines_before: int) -> dict[str, Any]:
    """
    Return how long the steps took, as both processes say in their logs.
    """
    published = pair.listener.logs("model.published")[lines_before:]
    loaded = pair.server.logs("model.loaded")[-len(published) :]
    return {
        "train_ms": _median(published, "train_ms"),
        "publish_ms": _median(published, "publish_ms"),
        "load_ms": _median(loaded, "load_ms"),
        "publish_to_loaded_ms": _median(loaded, "since_publish_ms"),
        "segments": _median(published, "segments"),
    }


def _median(lines: list[dict[str, Any]], key: str) -> float | None:
    values = [line[key] for line in lines if line.get(key) is not None]
    return round(median(values), 3) if values else None
