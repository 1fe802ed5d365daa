"""
Verifications whose collection other processes read.
"""

from __future__ import annotations

import os
import signal

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pymongo.collection import Collection

from listener.keys import to_key
from listener.spread import open_pool
from recommender.address import to_address
from tests.support.listener import events
from tests.support.proving import DOCUMENTS, Proving, at_first, spoil


Products = Collection[dict[str, Any]]


def test_equal(proving: Proving, logs: list[Any]) -> None:
    """
    What is equal is proven so, and what cannot be used of a document is said here.
    """
    proving.publish()
    logs.clear()

    report = proving.verify(partial(open_pool, 2))

    assert report.is_equal, report
    assert report.products == report.rankings == len(DOCUMENTS)
    said = events(logs, "product.incomplete")
    assert [line["product_id"] for line in said] == [to_address(to_key(700))]
    assert not events(logs, "scan.alone")


def test_killed_process(
    proving: Proving, collection: Products, logs: list[Any]
) -> None:
    """
    When a process is killed midway, this one reads the rest, says so once, and finds
    what it finds alone.
    """
    proving.publish()
    spoil(collection)
    here = proving.verify()
    pids: list[int] = []

    @contextmanager
    def counted() -> Iterator[Any]:
        with open_pool(2) as pool:
            pids.append(pool.submit(os.getpid).result())
            yield pool

    there = proving.verify(
        counted, show=at_first(lambda: os.kill(pids[0], signal.SIGKILL))
    )

    assert {one.what for one in here.differences} >= {"presence", "price", "terms"}
    assert there == here
    assert len(events(logs, "scan.alone")) == 1
