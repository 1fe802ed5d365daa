"""
Segments built by other processes.
"""

from __future__ import annotations

import os
import signal

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from pymongo.collection import Collection

from listener.build import LITTLE, Here, to_rows
from listener.build import ROWS as ROWS_OF_ONE
from listener.complaints import Complaints
from listener.elsewhere import Elsewhere
from listener.keys import to_key
from listener.opening import open_source, to_weights
from listener.pool import open_pool
from listener.rebuild import Interrupted
from listener.spread import Open, Order, Spread, to_processes
from recommender.address import to_address
from recommender.segment import Segment
from recommender.segment_file import to_chunks
from tests.support.clock import FakeClock
from tests.support.documents import make_settings
from tests.support.listener import events
from tests.support.proving import be_busy, give_half
from tests.support.waiting import wait_for


pytestmark = pytest.mark.usefixtures("nursery")

ROWS = 150
DOCUMENTS = [
    {
        "_id": n,
        "name": f"kettle {n % 17} model-{n}",
        "category": f"c{n % 5}",
        "brand": f"b{n % 7}",
        "price": "dear" if n == 700 else n,
    }
    for n in range(1_000)
]


@contextmanager
def counted_pool(pids: list[int]) -> Iterator[Any]:
    """
    Open a pool of two processes whose ids go to *pids*.
    """
    with open_pool(2) as pool:
        pids += [pool.submit(os.getpid).result() for _ in range(2)]
        yield pool


class Stand:
    """
    A collection, and a workshop to build it.
    """

    def __init__(self, uri: str, database: str, clock: FakeClock) -> None:
        self.settings = make_settings(database=database)
        self.uri = uri
        self.complaints = Complaints(clock.monotonic)
        self.here = Here(to_weights(self.settings))

    def workshop(self, executor: Open) -> Elsewhere:
        spread = Spread(Order(self.settings, self.uri), executor)
        return Elsewhere(spread, self.complaints, self.here)

    def build(self, workshop: Any, check: Any = lambda: None) -> Iterator[Segment]:
        with open_source(self.settings, self.uri, self.complaints) as source:
            yield from workshop.build(source, source.split(ROWS), check)


def to_bytes(segment: Segment) -> bytes:
    return b"".join(to_chunks(segment))


@pytest.fixture(name="stand")
def _stand(
    mongo_uri: str, collection: Collection[dict[str, Any]], clock: FakeClock
) -> Stand:
    collection.insert_many(DOCUMENTS)
    return Stand(mongo_uri, collection.database.name, clock)


def test_same_as_here(stand: Stand, logs: list[Any]) -> None:
    """
    Other processes build the very bytes that this one builds, and what they complain
    of is said here.
    """
    with open_source(stand.settings, stand.uri, stand.complaints) as source:
        ranges = source.split(ROWS)
        there = stand.workshop(partial(open_pool, 2))
        built = list(there.build(source, ranges, lambda: None))
        said = events(logs, "product.incomplete")
        here = list(stand.here.build(source, ranges, lambda: None))

    assert len(ranges) > 3
    assert list(map(to_bytes, built)) == list(map(to_bytes, here))
    assert sum(map(len, built)) == len(DOCUMENTS)
    assert [line["product_id"] for line in said] == [to_address(to_key(700))]
    assert not events(logs, "scan.alone")


def test_processes_carry_no_ballast() -> None:
    """
    They have what building takes before the first task, and nothing that only `verify`
    needs.
    """
    with open_pool(1) as pool:
        modules = pool.submit(eval, "[*__import__('sys').modules]").result()

    assert {"numba", "listener.elsewhere"} <= {*modules}
    assert not {"scipy.linalg", "scipy.sparse", "sklearn"} & {*modules}


@pytest.mark.parametrize(
    ("total", "ranges"),
    [(0, 0), (1, 1), (ROWS_OF_ONE, 1), (LITTLE - 1, 3), (LITTLE, 12), (1_000_000, 62)],
)
def test_ranges_are_many_of_much(total: int, ranges: int) -> None:
    """
    What several processes build is in so many ranges that they end at the same time,
    each of which is large enough to be worth a task.
    """
    assert -(-total // to_rows(total)) == ranges
    assert to_rows(total) >= LITTLE // 12


def test_little_is_built_here(stand: Stand, logs: list[Any]) -> None:
    """
    For little, no process is started.
    """
    with open_source(stand.settings, stand.uri, stand.complaints) as source:
        ranges = source.split(len(DOCUMENTS))
        built = list(stand.workshop(_never_opened).build(source, ranges, lambda: None))

    assert sum(map(len, built)) == len(DOCUMENTS)
    assert not events(logs, "scan.alone")


@contextmanager
def _never_opened() -> Iterator[Any]:
    pytest.fail("opened")
    yield


def test_killed_process(stand: Stand, logs: list[Any]) -> None:
    """
    When a process is killed, as for want of memory, the rest is built here, and said.
    """
    pids: list[int] = []
    built = stand.build(stand.workshop(partial(counted_pool, pids)))
    rows = len(next(built))
    for pid in set(pids):
        os.kill(pid, signal.SIGKILL)

    rows += sum(map(len, built))

    assert rows == len(DOCUMENTS)
    assert len(events(logs, "scan.alone")) <= 1  # they may have been done already


def test_no_executor(stand: Stand, logs: list[Any]) -> None:
    """
    Where no process can be started, all of it is built here.
    """

    @contextmanager
    def refused() -> Iterator[Any]:
        raise OSError(28, "No space left on device")
        yield

    assert sum(map(len, stand.build(stand.workshop(refused)))) == len(DOCUMENTS)
    [line] = events(logs, "scan.alone")
    assert "No space left" in line["error"]


def test_broken_pool(stand: Stand, logs: list[Any]) -> None:
    """
    Where a process has ended before all tasks were given out, all is built here.
    """

    @contextmanager
    def broken() -> Iterator[Any]:
        with open_pool(1) as pool:
            with pytest.raises(BrokenProcessPool):
                pool.submit(os._exit, 1).result(60)
            yield pool

    assert sum(map(len, stand.build(stand.workshop(broken)))) == len(DOCUMENTS)
    assert len(events(logs, "scan.alone")) == 1


class Failing(Executor):
    """
    Ends each task at once with the same error.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return future


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "error",
    [TimeoutError("a worker does not answer"), RuntimeError("lost")],
    ids=["late", "lost"],
)
def test_executor_that_fails(stand: Stand, logs: list[Any], error: Exception) -> None:
    """
    Whatever it ends its tasks with, be it that it waited too long for a worker, all of
    it is built here.
    """
    failing = stand.workshop(lambda: nullcontext(Failing(error)))

    assert sum(map(len, stand.build(failing))) == len(DOCUMENTS)
    assert len(events(logs, "scan.alone")) == 1


def test_stops_when_told(stand: Stand) -> None:
    """
    When the rebuild is told to stop, so do the processes.
    """
    pids: list[int] = []

    def check() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        next(stand.build(stand.workshop(partial(counted_pool, pids)), check))

    wait_for(lambda: not any(map(psutil.pid_exists, pids)), what="their end")


def test_process_that_ends_while_it_gives_something_back() -> None:
    """
    Nobody waits for the rest of it.
    """
    with open_pool(2) as pool:
        halves = [pool.submit(give_half) for _ in range(2)]
        for half in halves:
            with pytest.raises(BrokenProcessPool):
                half.result(60)


def test_a_closed_pool_ends_what_is_under_way(tmp_path: Path) -> None:
    """
    So that nothing waits for the rest of a range.
    """
    pid_file = tmp_path / "pid"
    with open_pool(1) as pool:
        pool.submit(be_busy, pid_file)
        wait_for(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
        pid = int(pid_file.read_text())
        assert psutil.pid_exists(pid)

    wait_for(lambda: not psutil.pid_exists(pid), what="its end")


def test_processes_that_do_not_reach_the_database(
    stand: Stand, logs: list[Any]
) -> None:
    """
    What the database does not answer to others is built here, where it does.
    """
    order = Order(stand.settings, "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200")
    spread = Spread(order, partial(open_pool, 2))
    there = Elsewhere(spread, stand.complaints, stand.here)

    assert sum(map(len, stand.build(there))) == len(DOCUMENTS)
    (line,) = events(logs, "scan.alone")
    assert line["error"].startswith("Unreachable: ")


def test_to_processes() -> None:
    """
    As many as asked for; by default one for each core, but not too many.
    """
    assert to_processes(7) == 7
    assert 1 <= to_processes(0) <= 4
