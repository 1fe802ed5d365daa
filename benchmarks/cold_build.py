"""
From nothing but the collection to the first answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Final

from benchmarks.children import in_another_process
from benchmarks.figures import Figure
from benchmarks.from_scratch import fit_from_scratch
from benchmarks.shop import PRODUCTS, Shop


MOST_ROUNDS: Final = 2


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the seconds from starting both processes until the first recommendation is
    answered, beside reading and fitting alone.
    """
    shop.load()
    ours, fits = [], []
    for _ in range(min(MOST_ROUNDS, shop.effort.rounds)):
        fits.append(in_another_process(fit_from_scratch, shop.uri, PRODUCTS))
        ours.append(_served_s(shop))
    rebuilt = shop.pair.listener.logs("rebuild.done")[-1]
    yield Figure(
        "cold_build",
        "cold build from MongoDB until served",
        median(ours),
        "s",
        median(fit.read_s + fit.fit_s for fit in fits),
        "read and fit_transform",
        {
            "ours_s": ours,
            "scan_s": rebuilt["took_s"],
            "read_s": [fit.read_s for fit in fits],
            "fit_s": [fit.fit_s for fit in fits],
        },
    )


def _served_s(shop: Shop) -> float:
    shop.forget()
    shop.pair.listener.start()
    shop.pair.server.start()
    return shop.await_served()
