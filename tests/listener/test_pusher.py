"""
What a store publishes, published in a real database, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pymongo import MongoClient
from pymongo.database import Database

from listener.copies.place import PlaceFault
from listener.copies.pointer import GRACE_S
from listener.copies.pusher import BEAT_S, GARBAGE_S, REMEDY, SENDING, WAIT_S, Pusher
from listener.mongo.shelf import Shelf
from listener.status import Status
from recommender.manifest import Manifest
from recommender.position import Position, State
from recommender.store import Store
from tests.support.clock import EPOCH, FakeClock
from tests.support.listener import at, events
from tests.support.products import make_catalogue, make_index
from tests.support.shelves import CHUNKS, Origin, said, silence
from tests.support.waiting import wait_for


Shop = Database[dict[str, Any]]
DENIED = 13
Send = Callable[[str], BinaryIO]


class Heard(Shelf):
    """
    A shelf that remembers what was said, and can be slow, or broken.
    """

    def __init__(self, name: str, database: Shop) -> None:
        super().__init__(name, database)
        self.said: list[Position] = []
        self.before: Callable[[], None] = lambda: None

    def publish(
        self,
        manifest: Manifest,
        position: Position,
        open_segment: Send,
        pulse: Callable[[], None] = lambda: None,
    ) -> int:
        """
        See `Outlet`.
        """
        self.before()
        return super().publish(manifest, position, open_segment, pulse)

    def say(self, position: Position) -> None:
        """
        See `Outlet`.
        """
        super().say(position)
        self.said.append(position)


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[Origin]:
    with Store.open(tmp_path / "origin") as store:
        yield Origin(store, make_index(make_catalogue(600)))


@pytest.fixture(name="shelf")
def _shelf(database: Shop) -> Heard:
    return Heard("shelf", database)


@pytest.fixture(name="status")
def _status(clock: FakeClock) -> Status:
    status = Status(clock.clock)
    status.enter(State.FOLLOWING)
    return status


@pytest.fixture(name="pusher")
def _pusher(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock
) -> Iterator[Pusher]:
    pusher = Pusher(origin.store, shelf, status, clock.clock)
    yield pusher
    pusher.close()


def tend_until(pusher: Pusher, ask: Callable[[], Any]) -> None:
    """
    Turn as the loop does, while no time passes.
    """

    def turn() -> Any:
        pusher.tend()
        return ask()

    wait_for(turn)


def rest(pusher: Pusher) -> None:
    """
    Turn until nothing runs beside, once.
    """
    pusher.tend()
    tend_until(pusher, lambda: pusher._running is None)


def is_there(shelf: Shelf, manifest: Manifest) -> Callable[[], bool]:
    """
    Return what tells whether a generation is what followers read.
    """

    def ask() -> bool:
        told = shelf.read_newest()
        return told is not None and told.manifest == manifest

    return ask


def test_each_generation_travels(
    pusher: Pusher, origin: Origin, shelf: Heard, logs: list[Any]
) -> None:
    """
    What is published comes to be there at once, and only its new segments travel.
    """
    tend_until(pusher, is_there(shelf, origin.newest))
    tend_until(pusher, is_there(shelf, origin.change()))
    rest(pusher)

    pushed = events(logs, "model.pushed")
    assert [line["sent"] for line in pushed] == [1, 1]
    assert pushed[-1]["generation"] == origin.newest.generation
    assert shelf.said == []


def test_speaks_each_second(
    pusher: Pusher, origin: Origin, shelf: Heard, status: Status, clock: FakeClock
) -> None:
    """
    While nothing changes it says each second how far the generation is good; another
    state it says at once.
    """
    tend_until(pusher, is_there(shelf, origin.newest))
    rest(pusher)
    origin.store.advance({"products": "later"}, at(7))
    status.read_time = at(9)
    clock.advance(BEAT_S / 2)
    rest(pusher)
    assert shelf.said == []

    clock.advance(BEAT_S / 2)
    tend_until(pusher, lambda: shelf.said)
    assert shelf.said == [
        Position(
            State.FOLLOWING,
            "",
            origin.newest.generation,
            at(7),
            at(9),
            EPOCH + BEAT_S,
        )
    ]
    status.enter(State.RETRYING, "unreachable")
    tend_until(pusher, lambda: len(shelf.said) > 1)
    assert (shelf.said[-1].state, shelf.said[-1].reason) == (
        State.RETRYING,
        "unreachable",
    )


def test_says_that_newer_writes_are_on_their_way(
    pusher: Pusher, origin: Origin, shelf: Heard, clock: FakeClock
) -> None:
    """
    While a segment travels for long, followers are told that they are behind, but not
    forsaken.
    """
    tend_until(pusher, is_there(shelf, origin.newest))
    rest(pusher)
    first = origin.newest
    shelf.before = lambda: clock.advance(BEAT_S)
    second = origin.change()
    tend_until(pusher, is_there(shelf, second))

    (meanwhile,) = shelf.said
    assert (meanwhile.state, meanwhile.reason) == (State.CATCHING_UP, SENDING)
    assert (meanwhile.generation, meanwhile.as_of) == (first.generation, first.as_of)
    told = shelf.read_newest()
    assert told is not None
    assert told.position.state is State.FOLLOWING


def test_trouble_is_said_once(
    pusher: Pusher,
    origin: Origin,
    shelf: Heard,
    clock: FakeClock,
    logs: list[Any],
    mongo_client: MongoClient[dict[str, Any]],
    database: Shop,
) -> None:
    """
    However often the database refuses it, it is one line, and one when it is over; it is
    tried ever less often, and counted.
    """

    def fail(mode: str) -> None:
        mongo_client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode=mode,
            data={
                "failCommands": ["update"],
                "namespace": f"{database.name}.evershelf.model.pointer",
                "errorCode": DENIED,
            },
        )

    fail("alwaysOn")
    try:
        for _ in range(3):
            rest(pusher)
            failures = pusher._trouble.failures
            rest(pusher)  # nothing before its time
            assert pusher._trouble.failures == failures
            clock.advance(10)
    finally:
        fail("off")
    tend_until(pusher, is_there(shelf, origin.newest))
    rest(pusher)

    (failed,) = events(logs, "push.failed")
    assert failed["remedy"] == REMEDY
    (recovered,) = events(logs, "push.recovered")
    assert recovered["failures"] == 3


def test_a_segment_that_cannot_be_read(
    pusher: Pusher, origin: Origin, shelf: Heard, clock: FakeClock, logs: list[Any]
) -> None:
    """
    Is trouble like any other: the next generation travels.
    """
    for ref in origin.newest.segments:
        (origin.store._folder / "segments" / ref.name).unlink()
    rest(pusher)
    assert len(events(logs, "push.failed")) == 1
    assert shelf.read_newest() is None


def test_a_defect_does_not_stop_the_listener(
    pusher: Pusher, origin: Origin, shelf: Heard, clock: FakeClock, logs: list[Any]
) -> None:
    """
    It is reported with its traceback, and tried again.
    """

    def break_down() -> None:
        shelf.before = lambda: None
        raise ZeroDivisionError

    shelf.before = break_down
    rest(pusher)
    assert len(events(logs, "push.crashed")) == 1

    clock.advance(100)
    tend_until(pusher, is_there(shelf, origin.newest))


def test_waits_for_another_publisher(
    pusher: Pusher,
    origin: Origin,
    shelf: Heard,
    clock: FakeClock,
    logs: list[Any],
    database: Shop,
) -> None:
    """
    Of two listeners one publishes; the other says once that it waits, and takes over
    when the first has fallen silent.
    """
    origin.put(Shelf("other", database))
    newest = origin.change()
    for _ in range(3):
        rest(pusher)
        clock.advance(WAIT_S)
    assert not is_there(shelf, newest)()

    silence(database)
    tend_until(pusher, is_there(shelf, newest))
    assert len(events(logs, "push.waiting")) == 1
    assert not events(logs, "push.failed")


def test_gives_way_to_who_has_taken_over(
    pusher: Pusher,
    origin: Origin,
    shelf: Heard,
    clock: FakeClock,
    database: Shop,
    logs: list[Any],
) -> None:
    """
    One that was silent for long does not take the place back from who speaks.
    """
    tend_until(pusher, is_there(shelf, origin.newest))
    rest(pusher)
    silence(database)
    other = Shelf("other", database)
    theirs = origin.newest
    origin.put(other)
    clock.advance(BEAT_S)
    for _ in range(3):
        rest(pusher)
        clock.advance(WAIT_S)

    assert is_there(shelf, theirs)()
    other.say(said(theirs))  # or it would say that it was overtaken
    assert len(events(logs, "push.waiting")) == 1


def test_the_end_is_said(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock, database: Shop
) -> None:
    """
    The last generation travels, followers hear that the listener stops, and another
    need not wait.
    """
    pusher = Pusher(origin.store, shelf, status, clock.clock)
    tend_until(pusher, is_there(shelf, origin.newest))
    newest = origin.change()
    status.enter(State.STOPPING)
    pusher.close()

    told = shelf.read_newest()
    assert told is not None
    assert told.manifest == newest
    assert told.position.state is State.STOPPING
    origin.put(Shelf("other", database), origin.change("newer"))


def test_after_a_defect_nothing_more_is_published(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock
) -> None:
    """
    Who knows what is in the model then.
    """
    status.enter(State.FAILED, "ValueError")
    Pusher(origin.store, shelf, status, clock.clock).close()

    assert shelf.read_newest() is None


def test_the_end_does_not_wait_for_who_is_away(
    origin: Origin, status: Status, clock: FakeClock, logs: list[Any]
) -> None:
    """
    A stop leaves what cannot be published.
    """
    address = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"
    with MongoClient[dict[str, Any]](address) as client:
        pusher = Pusher(
            origin.store, Shelf("away", client["evershelf"]), status, clock.clock
        )
        pusher.close()
    (left,) = events(logs, "push.left")
    assert left["generation"] == origin.newest.generation


def test_the_end_does_not_try_again(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock, logs: list[Any]
) -> None:
    """
    A publication that fails during the stop is the last.
    """
    tries: list[None] = []

    def fail() -> None:
        tries.append(None)
        raise PlaceFault

    shelf.before = fail
    pusher = Pusher(origin.store, shelf, status, clock.clock)
    pusher.tend()
    pusher.close()

    assert len(tries) == 1
    assert len(events(logs, "push.left")) == 1


def test_a_defect_at_the_end(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock, logs: list[Any]
) -> None:
    """
    Is reported, and the listener stops in order.
    """

    def break_down() -> None:
        raise ZeroDivisionError

    shelf.before = break_down
    Pusher(origin.store, shelf, status, clock.clock).close()

    assert len(events(logs, "push.crashed")) == 1


def test_the_end_of_one_that_waits(
    origin: Origin,
    shelf: Heard,
    status: Status,
    clock: FakeClock,
    database: Shop,
    logs: list[Any],
) -> None:
    """
    Where another publishes nothing is left.
    """
    origin.put(Shelf("other", database))
    Pusher(origin.store, shelf, status, clock.clock).close()

    assert not events(logs, "push.left")


def test_the_end_removes_nothing(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock, database: Shop
) -> None:
    """
    Who stops and says so is followed at once by another, who may need what is there.
    """
    pusher = Pusher(origin.store, shelf, status, clock.clock)
    tend_until(pusher, is_there(shelf, origin.newest))
    rest(pusher)
    database[CHUNKS].insert_one({"files_id": "of a killed one", "n": 0, "data": b""})
    shelf.collect_garbage(clock.now - GRACE_S)
    clock.advance(GARBAGE_S)
    pusher.close()

    assert "of a killed one" in database[CHUNKS].distinct("files_id")


def test_the_end_of_a_long_way(
    origin: Origin, shelf: Heard, status: Status, clock: FakeClock, logs: list[Any]
) -> None:
    """
    A stop does not wait until a large segment has travelled, and leaves the pointer.
    """
    shelf.before = lambda: clock.advance(60)
    Pusher(origin.store, shelf, status, clock.clock).close()

    assert len(events(logs, "push.left")) == 1
    with pytest.raises(PlaceFault):
        shelf.read_manifest()


def test_old_segments_go(
    pusher: Pusher, origin: Origin, shelf: Heard, clock: FakeClock, database: Shop
) -> None:
    """
    What the pointer has not named for long is removed, by and by.
    """
    database[CHUNKS].insert_one({"files_id": "of a killed one", "n": 0, "data": b""})
    tend_until(pusher, is_there(shelf, origin.newest))
    for _ in range(int(GRACE_S / GARBAGE_S) + 2):
        clock.advance(GARBAGE_S)
        rest(pusher)

    assert set(database[CHUNKS].distinct("files_id")) == {
        file["_id"] for file in database["evershelf.model.files"].find()
    }
