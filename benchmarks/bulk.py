"""
A whole catalogue inserted at once, until all of it is served.
"""

from __future__ import annotations

import itertools
import time

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

import orjson

from benchmarks.bare_stream import bare_stream
from benchmarks.catalogue import Document
from benchmarks.connection import Connection
from benchmarks.figures import Figure
from benchmarks.shop import BESIDE, Shop, insert_all
from tests.support.processes import Pair
from tests.support.waiting import wait_for


MOST: Final = 100_000
LOOK_S: Final = 0.005
LONGEST_S: Final = 600.0


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the seconds from the first insert until all products are served, in an empty
    shop of its own.
    """
    count = min(shop.size, MOST)
    documents = list(itertools.islice(shop.documents(), count))
    own = shop.beside()
    try:
        beside_s = _bare_s(own, documents)
        own.products.insert_one({"_id": "first", "name": "first"})
        pair = own.pair
        pair.listener.start()
        pair.server.start()
        own.await_following(pair)
        wait_for(lambda: pair.get("/health/ready").status == HTTPStatus.OK)
        served_s, inserted_s = _served_s(own, pair, documents)
    finally:
        own.close()
    yield Figure(
        "bulk",
        f"{count:,} inserts at once until served",
        served_s,
        "s",
        beside_s,
        "change events",
        {"inserted_s": inserted_s},
    )


def _bare_s(shop: Shop, documents: list[Document]) -> float:
    with bare_stream(shop.uri, BESIDE, every=len(documents)) as stream:
        started = time.monotonic()
        insert_all(shop.database[BESIDE], documents)
        return stream.next_at() - started


def _served_s(shop: Shop, pair: Pair, documents: list[Document]) -> tuple[float, float]:
    """
    Return the seconds until all are served, and until all are inserted.
    """
    with Connection(pair.port) as connection:
        started = time.monotonic()
        insert_all(shop.products, documents)
        inserted_s = time.monotonic() - started
        while time.monotonic() - started < LONGEST_S:
            model = orjson.loads(connection.get("/v1/model").body)
            if model.get("products") == len(documents) + 1:
                return time.monotonic() - started, inserted_s
            time.sleep(LOOK_S)
    msg = f"not all are served after {LONGEST_S:g} s"
    raise TimeoutError(msg)
