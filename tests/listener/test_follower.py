"""
A store that is kept equal to a place, a real database.
"""

from __future__ import annotations

import errno
import io
import threading

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pymongo.database import Database

from listener.clock import Clock
from listener.copies.follower import (
    FETCHING,
    GARBAGE_S,
    LATE_S,
    NOTHING_PUBLISHED,
    PUBLISHER_SILENT,
    UNREACHABLE,
    UNUSABLE,
    Follower,
)
from listener.mongo.shelf import Shelf
from listener.signals import Stop
from listener.status import Status
from recommender import manifest as manifests
from recommender.manifest import Manifest, SegmentRef
from recommender.position import ClusterTime, Position, State
from recommender.store import CURRENT, DURABLE, SEGMENTS, Store, StoreReader
from recommender.supervisor import Supervisor
from tests.support.listener import events
from tests.support.products import make_catalogue, make_index
from tests.support.shelves import POINTER, Origin, said, silence
from tests.support.stores import files
from tests.support.waiting import wait_for


Shop = Database[dict[str, Any]]


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[Origin]:
    with Store.open(tmp_path / "origin") as store:
        yield Origin(store, make_index(make_catalogue(600)))


@pytest.fixture(name="shelf")
def _shelf(database: Shop) -> Shelf:
    return Shelf("shelf", database)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let who is told to stop not wait for half a second first.
    """
    monkeypatch.setattr("listener.mongo.shelf.AWAIT_MS", 50)


@contextmanager
def following(store: Store, database: Shop) -> Iterator[Status]:
    """
    Follow in a thread while the context lasts; yield what is said of it.
    """
    clock, stop = Clock(), Stop()
    status = Status(clock)
    supervisor = Supervisor(monotonic=clock.monotonic)
    place = Shelf("place", database)
    follower = Follower(store, place, status, clock, stop, supervisor)
    thread = threading.Thread(target=follower.run)
    thread.start()
    try:
        yield status
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def wait_for_position(
    reader: StoreReader, is_so: Callable[[Position], bool]
) -> Position:
    """
    Return what servers read of the listener, as soon as it is so.
    """

    def ask() -> Position | None:
        position = reader.read_position()
        return position if position is not None and is_so(position) else None

    return wait_for(ask, what="the position")


def wait_for_state(reader: StoreReader, state: State, reason: str = "") -> Position:
    """
    Return the same as soon as it is in a state.
    """
    return wait_for_position(
        reader, lambda position: (position.state, position.reason) == (state, reason)
    )


def wait_for_model(reader: StoreReader, manifest: Manifest) -> None:
    """
    Wait until servers read a generation, and a crash falls back to it.
    """

    def is_here() -> bool:
        pointers = [reader.read_pointer(name) for name in (CURRENT, DURABLE)]
        return pointers == [manifest, manifest]

    wait_for((reader.folder / DURABLE).exists, what="a generation")
    wait_for(is_here, what="the generation")


def damaged(content: bytes) -> bytes:
    """
    Return what a file holds of whose second half each byte has another bit.
    """
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 1 for byte in content[middle:])


def test_each_generation_becomes_the_stores(
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    logs: list[Any],
) -> None:
    """
    The first as a whole, of the next only what is new; servers read each, and are told
    that it is fresh, and up to when.
    """
    origin.put(shelf)
    with following(store, database):
        wait_for_model(reader, origin.newest)
        wait_for_state(reader, State.FOLLOWING)
        origin.put(shelf, origin.change())
        wait_for_model(reader, origin.newest)
        later = ClusterTime(origin.newest.as_of.seconds + 60, 1)
        shelf.say(replace(said(origin.newest), as_of=later, read_time=later))
        position = wait_for_position(reader, lambda told: told.as_of == later)

    assert (position.state, position.read_time) == (State.FOLLOWING, later)
    assert position.generation == origin.newest.generation
    assert reader.load(reader.read_manifest()).manifest.products == 601
    fetched = events(logs, "model.fetched")
    sizes = [ref.size for ref in origin.newest.segments]
    assert [line["bytes"] for line in fetched] == sizes


def test_says_what_the_publisher_says(
    store: Store, reader: StoreReader, shelf: Shelf, origin: Origin, database: Shop
) -> None:
    """
    A publisher in trouble, or one that stops, is what answers are stale for here.
    """
    origin.put(shelf)
    with following(store, database):
        shelf.say(replace(said(origin.newest), state=State.RETRYING, reason="refused"))
        wait_for_state(reader, State.RETRYING, "refused")
        shelf.say(said(origin.newest, State.STOPPING))
        wait_for_state(reader, State.STOPPING)


def test_a_silent_publisher(
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    logs: list[Any],
) -> None:
    """
    Is said, once, and once when it speaks again; what it said last of its state no
    longer counts.
    """
    origin.put(shelf)
    with following(store, database):
        wait_for_state(reader, State.FOLLOWING)
        silence(database)
        wait_for_state(reader, State.RETRYING, PUBLISHER_SILENT)
        shelf.say(said(origin.newest))
        wait_for_state(reader, State.FOLLOWING)

    states = [line["reason"] for line in events(logs, "listener.state")]
    assert states.count(PUBLISHER_SILENT) == 1


def test_nothing_is_published_yet(
    store: Store, reader: StoreReader, shelf: Shelf, origin: Origin, database: Shop
) -> None:
    """
    Who is started first waits for the publisher.
    """
    with following(store, database):
        wait_for_state(reader, State.STARTING, NOTHING_PUBLISHED)
        origin.put(shelf)
        wait_for_model(reader, origin.newest)
        wait_for_state(reader, State.FOLLOWING)


def test_goes_on_from_what_is_here(
    tmp_path: Path,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    logs: list[Any],
) -> None:
    """
    After a restart nothing travels that is here.
    """
    origin.put(shelf)
    for _ in range(2):
        with Store.open(tmp_path / "model") as store, following(store, database):
            wait_for_model(reader, origin.newest)
            wait_for_state(reader, State.FOLLOWING)

    assert len(events(logs, "model.fetched")) == 1


def test_what_is_damaged_here_comes_again(
    tmp_path: Path,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    logs: list[Any],
) -> None:
    """
    A store that cannot be loaded is made whole.
    """
    origin.put(shelf)
    with Store.open(tmp_path / "model") as store, following(store, database):
        wait_for_model(reader, origin.newest)
    segment = reader.folder / SEGMENTS / origin.newest.segments[0].name
    content = segment.read_bytes()
    segment.write_bytes(damaged(content))
    with Store.open(tmp_path / "model") as store, following(store, database):
        wait_for_state(reader, State.FOLLOWING)

    assert segment.read_bytes() == content
    assert len(events(logs, "store.damaged")) == 1


def test_what_is_damaged_there_is_not_taken(
    store: Store, reader: StoreReader, shelf: Shelf, origin: Origin, database: Shop
) -> None:
    """
    The generation before stays, stale, until one comes that is whole.
    """
    origin.put(shelf)
    first, second = origin.newest, origin.change()
    (new,) = (ref for ref in second.segments if ref not in first.segments)

    def open_damaged(name: str) -> BinaryIO:
        with origin.open_segment(name) as file:
            content = file.read()
        return io.BytesIO(damaged(content))

    with following(store, database):
        wait_for_model(reader, first)
        shelf.publish(second, said(second), open_damaged)
        wait_for_state(reader, State.RETRYING, UNUSABLE)
        assert reader.read_pointer(CURRENT) == first
        assert new.name not in files(reader.folder)

        origin.put(shelf, first)
        wait_for_state(reader, State.FOLLOWING)


def test_never_back_in_time(
    store: Store, reader: StoreReader, shelf: Shelf, origin: Origin, database: Shop
) -> None:
    """
    What is older than what is here, of the same collection, is not taken.
    """
    seconds = origin.newest.as_of.seconds
    older = replace(origin.newest, as_of=ClusterTime(seconds - 60, 1))
    origin.put(shelf)
    with following(store, database):
        wait_for_model(reader, origin.newest)
        content = manifests.to_bytes(older)
        database[POINTER].update_one({}, {"$set": {"content": content}})
        wait_for_state(reader, State.RETRYING, UNREACHABLE)
        assert reader.read_pointer(CURRENT) == origin.newest


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"evershelf manifest 999 0\n", "newer"), (b"spoilt", "manifest")],
    ids=["newer", "spoilt"],
)
def test_a_manifest_that_cannot_be_read(
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    logs: list[Any],
    content: bytes,
    error: str,
) -> None:
    """
    One of a later version, or none at all, leaves what is here, stale; it is said why.
    """
    origin.put(shelf)
    with following(store, database):
        wait_for_model(reader, origin.newest)
        database[POINTER].update_one({}, {"$set": {"content": content}})
        wait_for_state(reader, State.RETRYING, UNUSABLE)
        assert reader.read_pointer(CURRENT) == origin.newest
    (said_so,) = (
        line for line in events(logs, "listener.state") if line["reason"] == UNUSABLE
    )
    assert error in said_so["error"]


def test_a_publisher_that_began_anew(
    tmp_path: Path,
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
) -> None:
    """
    A listener that lost its store counts from 1 again, and uses names again: what it
    publishes is taken all the same.
    """
    origin.put(shelf)
    shelf.say(said(origin.newest, State.STOPPING))
    with Store.open(tmp_path / "anew") as anew, following(store, database):
        wait_for_model(reader, origin.newest)
        other = Origin(anew, make_index(make_catalogue(50, seed=1)))
        assert other.newest.segments[0].name == origin.newest.segments[0].name
        other.put(Shelf("other", database))
        wait_for_model(reader, other.newest)

    assert reader.load(reader.read_manifest()).manifest.products == 50


def test_a_pointer_that_is_dropped(
    store: Store, reader: StoreReader, shelf: Shelf, origin: Origin, database: Shop
) -> None:
    """
    The model stays, stale, until something is published again.
    """
    origin.put(shelf)
    with following(store, database):
        wait_for_model(reader, origin.newest)
        database[POINTER].drop()
        wait_for_state(reader, State.STARTING, NOTHING_PUBLISHED)
        origin.put(shelf, origin.change())
        wait_for_model(reader, origin.newest)
        wait_for_state(reader, State.FOLLOWING)


def test_a_long_way_is_said(
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    While a copy goes on the position file says so, each second; who is told to stop
    does not finish it.
    """
    arrived = threading.Event()
    read = Shelf.read_segment

    def read_slowly(place: Shelf, ref: SegmentRef) -> Iterator[bytes]:
        whole = b"".join(read(place, ref))
        while not arrived.wait(LATE_S / 20):
            yield b""
        yield whole

    monkeypatch.setattr(Shelf, "read_segment", read_slowly)
    origin.put(shelf)
    with following(store, database):
        first = wait_for_state(reader, State.CATCHING_UP, FETCHING)
        said_at = first.written_at_s
        wait_for_position(reader, lambda told: told.written_at_s > said_at)
    assert not arrived.is_set()
    assert files(reader.folder) == []
    assert wait_for_state(reader, State.STOPPING).generation == 0


def test_old_files_go_when_the_disk_is_full(
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    What keeps a generation from coming in is removed in time, and it comes.
    """
    monkeypatch.setattr("listener.copies.follower.GARBAGE_S", GARBAGE_S / 100)
    monkeypatch.setattr("recommender.store.GRACE_S", 0.0)
    old = reader.folder / SEGMENTS / "7-0.seg"
    old.write_bytes(b"of long ago")
    receive = Store.receive

    def receive_beside(its: Store, ref: SegmentRef, chunks: Iterable[bytes]) -> None:
        if old.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        receive(its, ref, chunks)

    monkeypatch.setattr(Store, "receive", receive_beside)
    origin.put(shelf)
    with following(store, database):
        wait_for_model(reader, origin.newest)


def test_old_files_go(
    store: Store,
    reader: StoreReader,
    shelf: Shelf,
    origin: Origin,
    database: Shop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Files that no pointer names any more are removed here as anywhere.
    """
    monkeypatch.setattr("listener.copies.follower.GARBAGE_S", GARBAGE_S / 100)
    monkeypatch.setattr("recommender.store.GRACE_S", 0.0)
    origin.put(shelf)
    (reader.folder / SEGMENTS / "7-0.seg").write_bytes(b"of long ago")
    with following(store, database):
        wait_for_model(reader, origin.newest)
        wait_for(lambda: "7-0.seg" not in files(reader.folder))
    assert files(reader.folder) == [ref.name for ref in origin.newest.segments]
