"""
Segments built by a Dask cluster: a scheduler and workers, over TCP.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pymongo.collection import Collection

from listener.build import Here
from listener.cluster import NO_WORKER, open_dask
from listener.complaints import Complaints
from listener.elsewhere import Elsewhere
from listener.opening import open_source, to_weights
from listener.spread import OTHER_VERSION, Order, Spread
from recommender.segment_file import to_chunks
from tests.support.clock import FakeClock
from tests.support.documents import make_settings
from tests.support.listener import events
from tests.support.proving import Proving, at_first, spoil
from tests.support.waiting import wait_for


ROWS = 200
DOCUMENTS = [{"_id": n, "name": f"lamp {n % 13} model-{n}"} for n in range(4_000)]


@contextmanager
def started(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run a command of Dask; end it with the context.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _is_whole(path: Path) -> bool:
    """
    Return whether a file is there, and written to its end.
    """
    return path.exists() and path.read_text().rstrip().endswith("}")


class Cluster:
    """
    A scheduler, and workers.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        about = folder / "scheduler.json"
        self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--no-show", "--scheduler-file", str(about),
        )  # fmt: skip
        wait_for(lambda: _is_whole(about), what="the scheduler")
        self.about = about
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """
        The scheduler's.
        """
        return str(json.loads(self.about.read_text())["address"])

    def add(self, *more: str) -> None:
        """
        Start a worker.
        """
        worker = self._start(
            "worker", "--scheduler-file", str(self.about), "--no-nanny",
            "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", *more,
        )  # fmt: skip
        self.workers.append(worker)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self._stack.enter_context(started(*arguments, folder=self._folder))


@pytest.fixture(name="cluster", scope="module")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """
    One with two workers.
    """
    pytest.importorskip("distributed", reason="needs the extra dask")
    with ExitStack() as stack:
        cluster = Cluster(tmp_path_factory.mktemp("dask"), stack)
        cluster.add()
        cluster.add()
        yield cluster


@pytest.fixture(name="odd", scope="module")
def _odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """
    One without workers.
    """
    pytest.importorskip("distributed", reason="needs the extra dask")
    with ExitStack() as stack:
        yield Cluster(tmp_path_factory.mktemp("odd"), stack)


class Stand:
    """
    A collection, and how to build it by a cluster.
    """

    def __init__(self, uri: str, database: str, clock: FakeClock) -> None:
        self.settings = make_settings(database=database)
        self.uri = uri
        self.complaints = Complaints(clock.monotonic)
        self.here = Here(to_weights(self.settings))

    def build(self, address: str) -> Iterator[bytes]:
        """
        Yield each segment as a file would hold it.
        """
        order = Order(self.settings, self.uri)
        spread = Spread(order, partial(open_dask, address))
        there = Elsewhere(spread, self.complaints, self.here)
        with open_source(self.settings, self.uri, self.complaints) as source:
            self.ranges = source.split(ROWS)
            for segment in there.build(source, self.ranges, lambda: None):
                yield b"".join(to_chunks(segment))

    def build_here(self) -> list[bytes]:
        """
        Return the same, of the same ranges, built in this process.
        """
        with open_source(self.settings, self.uri, self.complaints) as source:
            segments = self.here.build(source, self.ranges, lambda: None)
            return [b"".join(to_chunks(segment)) for segment in segments]


@pytest.fixture(name="stand")
def _stand(
    mongo_uri: str, collection: Collection[dict[str, Any]], clock: FakeClock
) -> Stand:
    collection.insert_many(DOCUMENTS)
    return Stand(mongo_uri, collection.database.name, clock)


def test_same_as_here(cluster: Cluster, stand: Stand, logs: list[Any]) -> None:
    """
    Workers build the very bytes that this process builds.
    """
    built = list(stand.build(cluster.address))

    assert len(built) > 10
    assert built == stand.build_here()
    assert not events(logs, "scan.alone")


def test_killed_worker(cluster: Cluster, stand: Stand, logs: list[Any]) -> None:
    """
    When a worker is killed, the other one builds its ranges, too.
    """
    building = stand.build(cluster.address)
    built = [next(building)]
    cluster.workers.pop(0).kill()
    built += building
    cluster.add()

    assert built == stand.build_here()
    assert not events(logs, "scan.alone")


def test_same_proof_as_here(
    cluster: Cluster,
    proving: Proving,
    collection: Collection[dict[str, Any]],
    logs: list[Any],
) -> None:
    """
    A verification whose collection workers read, of which one is killed midway, finds
    what one in this process finds.
    """
    proving.publish()
    spoil(collection)
    here = proving.verify()

    there = proving.verify(
        partial(open_dask, cluster.address),
        show=at_first(cluster.workers.pop(0).kill),
    )
    cluster.add()

    assert {one.what for one in here.differences} >= {"presence", "price", "terms"}
    assert there == here
    assert not events(logs, "scan.alone")


# What a worker does before anything else, and what is said of it then.
SPOILING = {
    "damaged": (
        """
from listener import elsewhere
from recommender.segment_file import to_chunks as make

def to_chunks(segment):
    chunks = list(map(bytes, make(segment)))
    largest = chunks.index(max(chunks[1:], key=len))
    chunks[largest] = bytes([chunks[largest][0] ^ 1]) + chunks[largest][1:]
    return chunks

elsewhere.to_chunks = to_chunks
""",
        "differs from its checksum",
    ),
    "endless": (
        """
from listener import elsewhere

def build_range(*arguments):
    return build_range(*arguments)

elsewhere.build_range = build_range
""",
        "RecursionError",
    ),
    "later_format": (
        "from recommender import segment_file; segment_file.FORMAT += 1",
        OTHER_VERSION,
    ),
    "other_words": (
        "from listener import mapping; mapping.TEXT_VERSION += 1",
        OTHER_VERSION,
    ),
}


@pytest.mark.parametrize("spoiled", SPOILING)
def test_what_cannot_be_used_is_built_here(
    odd: Cluster, stand: Stand, logs: list[Any], tmp_path: Path, spoiled: str
) -> None:
    """
    What a worker gives back that is damaged, or of another version, or cannot build, is
    built by the listener instead, which says so once.
    """
    code, reason = SPOILING[spoiled]
    spoil = tmp_path / "spoil.py"
    spoil.write_text(code)
    odd.add("--preload", str(spoil))
    built = list(stand.build(odd.address))
    odd.workers.pop().kill()

    assert built == stand.build_here()
    (line,) = events(logs, "scan.alone")
    assert reason in line["error"]


def test_each_asks_anew(cluster: Cluster) -> None:
    """
    What a worker gave somebody a moment ago is not given to the next who asks the same:
    the collection may have changed meanwhile.
    """
    with open_dask(cluster.address) as one, open_dask(cluster.address) as other:
        asked = [it.submit(os.urandom, 16) for it in (one, one, other)]
        given = {future.result(60) for future in asked}

    assert len(given) == 3


def test_no_worker(
    odd: Cluster, stand: Stand, logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What a scheduler has nobody for is built by the listener, after a while.
    """
    monkeypatch.setattr("listener.cluster.DESERTED_S", 1.0)

    built = list(stand.build(odd.address))

    assert built == stand.build_here()
    (line,) = events(logs, "scan.alone")
    assert line["error"] == NO_WORKER


def test_no_scheduler(
    stand: Stand, logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a scheduler the listener builds all of it itself, and says so.
    """
    pytest.importorskip("distributed", reason="needs the extra dask")
    monkeypatch.setattr("listener.cluster.CONNECT_S", 0.5)

    built = list(stand.build("tcp://127.0.0.1:1"))

    assert built == stand.build_here()
    assert len(events(logs, "scan.alone")) == 1
