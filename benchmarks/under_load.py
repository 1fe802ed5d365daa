"""
Write-to-served while the shop is busy.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from typing import Final

from benchmarks.catalogue import generate_new
from benchmarks.connection import Connection
from benchmarks.figures import NEARLY_ALL, Figure, to_ms
from benchmarks.seller import Seller
from benchmarks.served import until_served
from benchmarks.shop import Shop
from benchmarks.steady import done_so_far, steady_reads, steady_writes


SEED: Final = 2
SEED_OF_OTHERS: Final = 3
WRITES_PER_S: Final = 200.0
READS_PER_S: Final = 200.0
PROBES_PER_S: Final = 20.0  # among the writes
WINDOWS: Final = 4  # of the usual length: a p99 wants many samples
RISING_S: Final = 1.0


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield p99 and median of price changes among 200 writes and 200 reads a second.
    """
    pair = shop.follow()
    paths = [shop.similar_path(id_) for id_ in shop.visible]
    mine, others = shop.parted()
    with (
        steady_writes(
            shop.uri, others, WRITES_PER_S - PROBES_PER_S, SEED_OF_OTHERS
        ) as writes,
        steady_reads(pair.port, paths, READS_PER_S) as reads,
        Connection(pair.port) as connection,
    ):
        time.sleep(RISING_S)
        before = done_so_far(writes), done_so_far(reads)
        started = time.monotonic()
        seller = Seller(shop.products, mine, generate_new(SEED), SEED)
        took_s = list(_probe(connection, seller, WINDOWS * shop.effort.window_s))
        passed_s = time.monotonic() - started
        after = done_so_far(writes), done_so_far(reads)
    details = {
        "probes": len(took_s),
        "writes_per_s": round((after[0] - before[0] + len(took_s)) / passed_s, 1),
        "reads_per_s": round((after[1] - before[1]) / passed_s, 1),
        "longest_ms": round(max(took_s) * 1000, 1),
    }
    what = "write to served under load"
    for name, percent in (("median", 50.0), ("p99", NEARLY_ALL)):
        value = to_ms(took_s, percent)
        yield Figure(
            f"under_load.{name}", f"{what}, {name}", value, "ms", details=details
        )


def _probe(connection: Connection, seller: Seller, seconds: float) -> Iterator[float]:
    started = time.monotonic()
    due = started
    while due < started + seconds:
        time.sleep(max(0.0, due - time.monotonic()))
        yield until_served(connection, seller.change("price"))
        due = max(due + 1 / PROBES_PER_S, time.monotonic())
