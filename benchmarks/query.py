"""
One query, exact, without any cache.
"""

from __future__ import annotations

import time

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

import numpy as np

from benchmarks.bare_server import bare_server
from benchmarks.connection import Connection
from benchmarks.figures import Figure, percentiles
from benchmarks.goals import QUERIES
from benchmarks.plain_matrix import PlainMatrix, Question
from benchmarks.shop import Shop
from benchmarks.zipf import Popularity
from recommender.filters import NO_FILTERS, Filters
from recommender.snapshot import Row, Snapshot


LIMIT: Final = 10
PRICES: Final = (20.0, 60.0)
TOLERANCE: Final = 1e-6
QUERIES_PER_SAMPLE: Final = 3
WARMING: Final = 10


class Inexact(Exception):  # noqa: N818 the class says what happened
    """
    Both ways must find the same scores.
    """


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield median and p99 of each kind of query, in process and over HTTP.
    """
    shop.follow()
    shop.stop()  # it would only take processor time
    snapshot = shop.snapshot()
    matrix = PlainMatrix.of(snapshot)
    count = QUERIES_PER_SAMPLE * shop.effort.samples
    keys = Popularity(list(matrix.keys), shop.effort.seed).once(WARMING + count)
    for kind in QUERIES:
        ours, beside = _alternate(snapshot, matrix, keys, kind)
        if ours:
            yield from percentiles(
                f"query.{kind}", f"query, {kind}", ours, beside, "scipy row x matrix"
            )
    yield from _over_http(shop)


def _alternate(
    snapshot: Snapshot, matrix: PlainMatrix, keys: list[bytes], kind: str
) -> tuple[list[float], list[float]]:
    """
    Return the seconds of each query both ways; of none if it cannot be asked.

    Raises:
        Inexact: They differ.
    """
    ours: list[float] = []
    beside: list[float] = []
    for turn, key in enumerate(keys):
        row = snapshot.find(key)
        filters = None if row is None else filters_of(row, kind)
        if filters is None:
            continue
        question = _to_question(filters, matrix, matrix.keys[key])
        took_s, hits = timed(
            lambda: snapshot.similar(key, limit=LIMIT, filters=filters)  # noqa: B023
        )
        beside_s, scores = timed(
            lambda: matrix.similar(matrix.keys[key], LIMIT, question)  # noqa: B023
        )
        found = np.array([hit.score for hit in hits])
        if not np.allclose(found, scores, rtol=0.0, atol=TOLERANCE):
            msg = f"{key!r}: {found} instead of {scores}"
            raise Inexact(msg)
        if turn >= WARMING:
            ours.append(took_s)
            beside.append(beside_s)
    return ours, beside


def filters_of(row: Row, kind: str) -> Filters | None:
    """
    Return what a question of that kind, one of `QUERIES`, asks of products like *row*;
    None when that has no such value.
    """
    match kind:
        case "category" if row.category:
            return Filters(categories=(row.category,))
        case "brand" if row.brand:
            return Filters(brands=(row.brand,))
        case "price and stock":
            least, most = PRICES
            return Filters(min_price=least, max_price=most, in_stock=True)
        case "plain":
            return NO_FILTERS
    return None


def _to_question(filters: Filters, matrix: PlainMatrix, place: int) -> Question:
    """
    Return the same question in the matrix's codes, asked for the product at *place*.
    """
    return Question(
        category=int(matrix.categories[place]) if filters.categories else None,
        brand=int(matrix.brands[place]) if filters.brands else None,
        prices=PRICES if filters.in_stock else None,
    )


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """
    Return how many seconds *do* took, and what it returned.
    """
    started = time.perf_counter()
    result = do()
    return time.perf_counter() - started, result


def _over_http(shop: Shop) -> Iterator[Figure]:
    pair = shop.follow()
    count = QUERIES_PER_SAMPLE * shop.effort.samples
    paths = [
        shop.similar_path(id_)
        for id_ in Popularity(shop.visible, shop.effort.seed).once(WARMING + count)
    ]
    ours, beside = [], []
    with Connection(pair.port) as connection:
        body = connection.get(paths[0]).body
        with bare_server(body) as bare, Connection(bare.port) as other:
            for turn, path in enumerate(paths):
                took_s, answer = timed(lambda: connection.get(path))  # noqa: B023
                bare_s, _ = timed(lambda: other.get(path))  # noqa: B023
                if turn >= WARMING and answer.status == HTTPStatus.OK:
                    ours.append(took_s)
                    beside.append(bare_s)
    yield from percentiles(
        "query.http", "query over HTTP", ours, beside, "bare answer over HTTP"
    )
