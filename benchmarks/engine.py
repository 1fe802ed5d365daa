"""
One query, exact, without any cache, beside a full-text engine that is asked the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.figures import Figure, percentiles
from benchmarks.goals import QUERIES
from benchmarks.query import (
    LIMIT,
    QUERIES_PER_SAMPLE,
    WARMING,
    filters_of,
    timed,
)
from benchmarks.shop import Shop
from benchmarks.tantivy_index import TantivyIndex
from benchmarks.zipf import Popularity
from recommender.snapshot import Snapshot


BESIDE: Final = "tantivy, any of the terms"


class Unlike(Exception):  # noqa: N818 the class says what happened
    """
    Both must find as many products.
    """


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield median and p99 of each kind of query, beside tantivy's, asked for one product
    more, because it finds the one that is looked at.

    To make its query is not counted, nor what it would take to fetch what is shown.
    """
    shop.follow()
    shop.stop()  # it would only take processor time
    snapshot = shop.snapshot()
    index = TantivyIndex(snapshot)
    count = QUERIES_PER_SAMPLE * shop.effort.samples
    visible = [row.key for row in snapshot.living() if row.visible]
    keys = Popularity(visible, shop.effort.seed).once(WARMING + count)
    for kind in QUERIES:
        ours, beside = _alternate(snapshot, index, keys, kind)
        if ours:
            yield from percentiles(
                f"engine.{kind}", f"{kind} query", ours, beside, BESIDE
            )


def _alternate(
    snapshot: Snapshot, index: TantivyIndex, keys: list[bytes], kind: str
) -> tuple[list[float], list[float]]:
    """
    Return the seconds of each query both ways; of none if it cannot be asked.

    Raises:
        Unlike: One found fewer than the other.
    """
    ours: list[float] = []
    beside: list[float] = []
    for turn, key in enumerate(keys):
        row = snapshot.find(key)
        filters = None if row is None else filters_of(row, kind)
        if row is None or filters is None:
            continue
        query = index.ask_for(row, filters)
        took_s, hits = timed(
            lambda: snapshot.similar(key, limit=LIMIT, filters=filters)  # noqa: B023
        )
        beside_s, found = timed(lambda: index.best(query, LIMIT + 1))  # noqa: B023
        if abs(len(found) - len(hits)) > 1:  # the product itself may pass
            msg = f"{key!r}, {kind}: {len(found)} beside {len(hits)}"
            raise Unlike(msg)
        if turn >= WARMING:
            ours.append(took_s)
            beside.append(beside_s)
    return ours, beside
