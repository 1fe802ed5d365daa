"""
What one change costs, all in all, in processor time.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.catalogue import generate_new
from benchmarks.children import in_another_process
from benchmarks.figures import Figure
from benchmarks.from_scratch import fit_from_scratch
from benchmarks.process_stats import processor_s, written_bytes
from benchmarks.seller import Seller
from benchmarks.shop import PRODUCTS, Shop
from tests.support.processes import Pair


SEED: Final = 4
EVERY_S: Final = 0.04
MOST_DENSE: Final = 20_000  # N² cosines must fit into memory
REST_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Used:
    """
    By listener and server together, in processor seconds; and bytes written.
    """

    listener_s: float
    server_s: float
    written: int

    @classmethod
    def by(cls, pair: Pair) -> _Used:
        listener = pair.listener.pid
        used = processor_s(listener), processor_s(pair.server.pid)
        return cls(*used, written_bytes(listener))

    def __sub__(self, other: _Used) -> _Used:
        return _Used(
            self.listener_s - other.listener_s,
            self.server_s - other.server_s,
            self.written - other.written,
        )


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the processor time of a price and of a text change, beyond what both processes
    use at rest, beside that of a full refit and, if it fits, the dense cosine matrix.
    """
    compares = shop.size <= MOST_DENSE
    pair = shop.follow()
    seller = Seller(shop.products, shop.visible, generate_new(SEED), SEED)
    count = shop.effort.samples
    rest = _over(pair, count)
    taken = {kind: _over(pair, count, seller, kind) for kind in ("price", "text")}
    fitted = in_another_process(fit_from_scratch, shop.uri, PRODUCTS, compares=compares)
    scratch_s = fitted.fit_processor_s + fitted.compare_processor_s
    for kind, used in taken.items():
        ours = used - rest
        yield Figure(
            f"cost.{kind}",
            f"processor time of one {kind} change",
            (ours.listener_s + ours.server_s) / count * 1000,
            "ms",
            scratch_s * 1000,
            "refit and dense cosine" if compares else "refit",
            {
                "listener_ms": ours.listener_s / count * 1000,
                "server_ms": ours.server_s / count * 1000,
                "written_bytes": ours.written / count,
                "refit_ms": fitted.fit_processor_s * 1000,
                "cosine_ms": fitted.compare_processor_s * 1000,
            },
        )
    passed_s = count * EVERY_S + REST_S
    yield Figure(
        "cost.rest",
        "processor time at rest, per second",
        (rest.listener_s + rest.server_s) / passed_s * 1000,
        "ms",
        details={
            "listener_ms": rest.listener_s / passed_s * 1000,
            "server_ms": rest.server_s / passed_s * 1000,
        },
    )


def _over(
    pair: Pair, count: int, seller: Seller | None = None, kind: str = ""
) -> _Used:
    """
    Return what is used while *count* changes are made, or none, at an even pace.
    """
    time.sleep(REST_S)
    before = _Used.by(pair)
    due = time.monotonic()
    for _ in range(count):
        if seller is not None:
            seller.change(kind).send()
        due += EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
    time.sleep(REST_S)
    return _Used.by(pair) - before
