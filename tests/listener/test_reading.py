"""
Verifications whose collection other processes read.
"""

from __future__ import annotations

import os
import signal

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pymongo.collection import Collection

from listener.clock import Clock
from listener.complaints import Complaints
from listener.keys import to_key
from listener.pool import open_pool
from listener.proof import to_reading
from listener.queue.errands import Errands
from listener.queue.job import Kind
from listener.reading import ReadElsewhere, ReadHere
from listener.signals import Stop
from listener.spread import Order, Spread
from recommender.address import to_address
from tests.support.documents import make_settings
from tests.support.listener import events
from tests.support.proving import DOCUMENTS, Proving, at_first, spoil


Products = Collection[dict[str, Any]]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"build_processes": 1}, ReadHere),
        ({"build_processes": 2}, ReadHere),
        ({"build_processes": 3}, ReadElsewhere),
        ({"build_processes": 1, "dask_address": "tcp://host:8786"}, ReadElsewhere),
    ],
    ids=["one", "two", "three", "dask"],
)
def test_others_read_where_it_is_quicker(settings: dict[str, Any], kind: type) -> None:
    """
    Two processes of this host save no more than passing products on costs.
    """
    complaints = Complaints(Clock().monotonic)

    reading = to_reading(make_settings(**settings), "mongodb://host", complaints)

    assert isinstance(reading, kind)


@pytest.mark.usefixtures("nursery")
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


@pytest.mark.usefixtures("nursery")
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


def test_told_to_stop(
    proving: Proving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A job of the queue whose process is told to stop ends what others read for it, for
    which that process would wait.
    """
    settings = proving.settings.model_copy(
        update={"data_dir": tmp_path, "build_processes": 3}
    )
    spread = Spread(Order(settings, proving.uri), partial(ThreadPoolExecutor, 1))
    monkeypatch.setattr("listener.proof.to_spread", lambda *_: spread)
    proving.publish()
    stop, told = Stop(), list[int]()
    stop.set()

    done = Errands(settings, proving.uri, stop).run(Kind.VERIFY, told.append)

    assert done is None
    assert not told
