"""
Generations in GridFS, in a real database.
"""

from __future__ import annotations

import io
import itertools
import math
import threading

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from bson.datetime_ms import DatetimeMS
from bson.objectid import ObjectId
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from listener.copies.fetch import fetch
from listener.copies.place import Gone, NotYet, PlaceFault
from listener.copies.pointer import (
    BEHIND,
    EMPTY,
    GRACE_S,
    LEASE_S,
    MODEL,
    OVERTAKEN,
    TAKEN,
)
from listener.mongo.shelf import DROPPED, Shelf, open_shelf
from recommender import manifest as manifests
from recommender.errors import SettingsFault
from recommender.position import ClusterTime, State
from recommender.store import CURRENT, Store, StoreReader
from tests.support.clock import FakeClock
from tests.support.products import make_catalogue, make_index
from tests.support.shelves import CHUNKS, POINTER, Origin, said, silence


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[Origin]:
    with Store.open(tmp_path / "origin") as store:
        yield Origin(store, make_index(make_catalogue(600)))


@pytest.fixture(name="shelf")
def _shelf(database: Database[dict[str, Any]]) -> Shelf:
    return Shelf("shelf", database)


def test_what_is_published_is_fetched(
    shelf: Shelf, origin: Origin, store: Store, reader: StoreReader
) -> None:
    """
    Another host's store has the very generation afterwards, and its servers read it.
    """
    origin.put(shelf)

    fetch(store, shelf, accept=lambda _manifest: None, check=lambda: None)

    assert reader.read_pointer(CURRENT).segments == origin.newest.segments
    assert reader.load(reader.read_manifest()).manifest.products == 600


def test_only_new_segments_travel(shelf: Shelf, origin: Origin) -> None:
    """
    What is there already is not sent again.
    """
    assert origin.put(shelf) == 1
    assert origin.put(shelf, origin.change()) == 1
    assert origin.put(shelf) == 0
    assert len(origin.newest.segments) == 2


def test_nothing_published_yet(shelf: Shelf) -> None:
    """
    An empty database is a place that has nothing, not an error of the driver.
    """
    with pytest.raises(PlaceFault, match=EMPTY):
        shelf.read_manifest()


@pytest.mark.parametrize("is_first", [True, False])
def test_overtaken(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]], is_first: bool
) -> None:
    """
    Who was overtaken while its segments travelled does not move the pointer, and says
    nothing more of it.
    """
    if not is_first:
        origin.put(shelf)
    theirs = origin.newest
    mine = origin.change()
    other = Shelf("other", database)

    def overtake(name: str) -> BinaryIO:
        if not is_first:
            silence(database)
        origin.put(other, theirs)
        return origin.open_segment(name)

    with pytest.raises(NotYet, match=OVERTAKEN):
        shelf.publish(mine, said(mine), overtake)
    assert shelf.read_manifest() == manifests.to_bytes(theirs)
    with pytest.raises(NotYet):
        shelf.say(said(mine))


def test_one_that_speaks_again(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    Who was silent for long, and speaks again while another's segments travel, keeps its
    place: it may remove what no pointer names.
    """
    origin.put(shelf)
    theirs = origin.newest
    silence(database)

    def speak(name: str) -> BinaryIO:
        shelf.say(said(theirs))
        return origin.open_segment(name)

    newer = origin.change()
    with pytest.raises(NotYet, match=OVERTAKEN):
        Shelf("other", database).publish(newer, said(newer), speak)
    assert shelf.read_manifest() == manifests.to_bytes(theirs)
    shelf.say(said(theirs))


def test_one_publisher_at_a_time(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    A second listener waits as long as the first speaks, and takes its place when it has
    fallen silent.
    """
    other = Shelf("other", database)
    origin.put(shelf)
    newer = origin.change()

    with pytest.raises(NotYet, match=TAKEN):
        origin.put(other, newer)
    silence(database)
    assert origin.put(other, newer) == 1


def test_a_publisher_that_stops_makes_room(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    After a graceful stop nobody waits.
    """
    origin.put(shelf)
    shelf.say(said(origin.newest, State.STOPPING))

    assert origin.put(Shelf("other", database), origin.change()) == 1


def test_what_the_publisher_says(shelf: Shelf, origin: Origin) -> None:
    """
    It is read with the generation that it is said of, and with its age.
    """
    assert shelf.read_newest() is None
    origin.put(shelf)
    behind = replace(said(origin.newest), state=State.RETRYING, reason="unreachable")
    shelf.say(behind)

    told = shelf.read_newest()
    assert told is not None
    assert told.manifest == origin.newest
    assert told.position == behind
    assert 0 <= told.age_s < LEASE_S


def test_age_of_what_was_said(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    It is counted by the database's clock.
    """
    origin.put(shelf)
    silence(database, 3600)

    told = shelf.read_newest()
    assert told is not None
    assert 3600 <= told.age_s < 3700


def test_silence_when_the_clock_was_set_back(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]], clock: FakeClock
) -> None:
    """
    A publisher that has gone is found out, though the database's clock says that what
    it said last is still to come; and another takes its place.
    """
    origin.put(shelf)
    silence(database, -3600)
    other = Shelf("other", database, clock=clock.clock)
    ages_s = []
    for _ in range(2):
        told = other.read_newest()
        assert told is not None
        ages_s.append(told.age_s)
        clock.advance(LEASE_S)

    assert ages_s == [0.0, LEASE_S]
    assert origin.put(other, origin.change()) == 1


@pytest.mark.parametrize(
    "position", [None, 1, {}, {"state": "asleep"}], ids=["none", "1", "empty", "state"]
)
def test_a_publisher_that_makes_no_sense(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]], position: Any
) -> None:
    """
    Is the place's fault, and does not keep others from publishing there in the end.
    """
    origin.put(shelf)
    database[POINTER].update_one({}, {"$set": {"position": position, "written": "?"}})

    with pytest.raises(PlaceFault):
        shelf.read_newest()
    origin.put(Shelf("other", database), origin.change())
    assert shelf.read_newest() is not None


def test_a_time_that_is_none(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    A year that Python does not know is like no time: nobody speaks for the pointer, and
    who follows it, or wants to publish, does not end.
    """
    origin.put(shelf)
    database[POINTER].update_one({}, {"$set": {"written": DatetimeMS(1 << 60)}})

    told = shelf.read_newest()
    assert told is not None
    assert told.age_s == math.inf
    assert origin.put(Shelf("other", database), origin.change()) == 1


def see_it_dropped(database: Database[dict[str, Any]]) -> None:
    with Shelf("follower", database).watching() as wait:
        database[POINTER].drop()
        for _ in range(60):
            wait()


def test_told_when_the_pointer_moves(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    Who watches need not ask again and again; a pointer that is dropped is trouble.
    """
    moved = threading.Event()

    def follow() -> None:
        with Shelf("follower", database).watching() as wait:
            watching.set()
            while not moved.is_set():
                wait()
                if shelf.read_newest() is not None:
                    moved.set()

    watching = threading.Event()
    thread = threading.Thread(target=follow)
    thread.start()
    assert watching.wait(30)
    origin.put(shelf)
    thread.join(30)
    assert moved.is_set()

    with pytest.raises(PlaceFault, match=DROPPED):
        see_it_dropped(database)


def test_files_are_open_before_any_travels(shelf: Shelf, origin: Origin) -> None:
    """
    The store may remove a file while another travels: it is sent all the same.
    """
    newest = origin.change()
    opened: list[BinaryIO] = []

    def open_segment(name: str) -> BinaryIO:
        opened.append(origin.open_segment(name))
        return opened[-1]

    def pulse() -> None:
        assert len(opened) == len(newest.segments) == 2

    assert shelf.publish(newest, said(newest), open_segment, pulse) == 2
    assert all(file.closed for file in opened)


@pytest.mark.parametrize("name", ["", "admin", "shop"], ids=["none", "admin", "shop"])
def test_databases_that_are_not_for_this(name: str) -> None:
    """
    The address must name a database, none of the server's own and not the shop's.
    """
    uri = f"mongodb://127.0.0.1:1/{name}"
    with (
        pytest.raises(SettingsFault, match="EVERSHELF_PUBLISH_TO: name a database"),
        open_shelf(uri, MODEL, setting="EVERSHELF_PUBLISH_TO", other_than="shop"),
    ):
        pass


def test_an_address_that_is_none() -> None:
    """
    Is a fault of its own setting, without the password.
    """
    uri = "mongodb://me:s3cret@host:port/evershelf"
    with (
        pytest.raises(SettingsFault, match="EVERSHELF_FOLLOW_FROM") as raised,
        open_shelf(uri, MODEL, setting="EVERSHELF_FOLLOW_FROM"),
    ):
        pass
    assert "s3cret" not in str(raised.value)


def test_a_database_that_is_away(origin: Origin) -> None:
    """
    Nothing can be had, and nothing be put there.
    """
    address = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200"
    with MongoClient[dict[str, Any]](address) as client:
        away = Shelf("away", client["evershelf"])
        for do in (away.read_newest, away.read_manifest, lambda: origin.put(away)):
            with pytest.raises(PlaceFault):
                do()


def test_never_back_in_time(shelf: Shelf, origin: Origin) -> None:
    """
    A publisher that is behind leaves what is later.
    """
    seconds = origin.newest.as_of.seconds
    later = replace(origin.newest, as_of=ClusterTime(seconds + 1, 0))
    origin.put(shelf, later)

    with pytest.raises(NotYet, match=BEHIND):
        origin.put(shelf)
    assert shelf.read_manifest() == manifests.to_bytes(later)


def test_never_behind_what_was_said(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    Who takes over waits until it is as far as what hosts have told of the generation
    before, so that no answer's time goes back.
    """
    origin.put(shelf)
    later = ClusterTime(origin.newest.as_of.seconds + 60, 0)
    shelf.say(replace(said(origin.newest, State.STOPPING), as_of=later))
    other, newer = Shelf("other", database), origin.change()

    with pytest.raises(NotYet, match=BEHIND):
        origin.put(other, newer)
    origin.put(other, replace(newer, as_of=later))
    assert other.read_manifest() == manifests.to_bytes(replace(newer, as_of=later))


@pytest.mark.parametrize("damage", [{"content": b"spoilt"}, {"content": 1}, {}])
def test_damaged_pointer_is_replaced(
    shelf: Shelf,
    origin: Origin,
    database: Database[dict[str, Any]],
    damage: dict[str, Any],
) -> None:
    """
    What no follower could read does not keep the publisher from publishing.
    """
    database[POINTER].insert_one({"_id": "manifest"} | damage)

    origin.put(shelf)
    assert shelf.read_manifest() == manifests.to_bytes(origin.newest)


def test_chunks_of_a_killed_publisher(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    Chunks without a file, as a kill leaves them, go as segments do.
    """
    origin.put(shelf)
    chunks = database[CHUNKS]
    published = chunks.count_documents({})
    chunks.insert_one({"files_id": ObjectId(), "n": 0, "data": b"half"})

    shelf.collect_garbage(0.0)
    assert chunks.count_documents({}) == published + 1
    assert shelf.collect_garbage(GRACE_S) == 1
    assert chunks.count_documents({}) == published


def test_uploads_that_fail_leave_nothing(
    shelf: Shelf,
    origin: Origin,
    database: Database[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    One that fails again and again does not fill the disk: what the last has left goes
    before the next begins.
    """
    # the driver keeps back some megabytes, which no test needs
    monkeypatch.setattr("gridfs.synchronous.grid_file._UPLOAD_BUFFER_CHUNKS", 1)
    reads = itertools.count(1)

    def fail() -> None:
        if next(reads) % 4 == 0:
            raise InterruptedError

    for _ in range(3):
        with pytest.raises(InterruptedError):
            shelf.publish(
                origin.newest,
                said(origin.newest),
                lambda _name: io.BytesIO(bytes(1 << 20)),
                fail,
            )
        assert len(database[CHUNKS].distinct("files_id")) == 1
    origin.put(shelf)

    files = database["evershelf.model.files"].distinct("_id")
    assert database[CHUNKS].distinct("files_id") == files
    assert len(files) == 1


def test_garbage_is_none_that_another_has_named(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    What was garbage to a publisher, and was named by another since, stays for a while
    when the first takes over again.
    """
    first, second = origin.newest, origin.change()
    other = Shelf("other", database)
    for now_s in (0.0, GRACE_S):
        origin.put(other, second)
        silence(database)
        origin.put(shelf, first)
        silence(database)
        assert shelf.collect_garbage(now_s) == 0


class Deletions(CommandListener):
    """
    How often something was deleted.
    """

    count = 0

    def started(self, event: CommandStartedEvent) -> None:
        """
        See `CommandListener`.
        """
        self.count += event.command_name == "delete"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """
        See `CommandListener`.
        """

    def failed(self, event: CommandFailedEvent) -> None:
        """
        See `CommandListener`.
        """


def test_much_garbage_goes_at_once(
    origin: Origin, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    Under steady writes there are thousands of segments to remove, during which nothing
    is said: it takes a few commands.
    """
    deletions = Deletions()
    with MongoClient[dict[str, Any]](mongo_uri, event_listeners=[deletions]) as client:
        shelf = Shelf("shelf", client[database.name])
        origin.put(shelf)
        kept = database[CHUNKS].distinct("files_id")
        old = [ObjectId() for _ in range(1000)]
        database["evershelf.model.files"].insert_many(
            {"_id": file, "filename": "old", "length": 3} for file in old
        )
        database[CHUNKS].insert_many(
            {"files_id": file, "n": 0, "data": b"old"} for file in old
        )
        shelf.collect_garbage(0.0)
        assert shelf.collect_garbage(GRACE_S) == len(old)

    assert deletions.count <= len(old) / 10
    assert database[CHUNKS].distinct("files_id") == kept
    assert database["evershelf.model.files"].distinct("_id") == kept


def test_garbage_goes_after_a_grace(shelf: Shelf, origin: Origin) -> None:
    """
    A segment that the pointer names no more stays for a while; one that it names, always.
    """
    first = origin.newest
    origin.put(shelf, origin.change())
    kept, dropped = origin.newest.segments
    origin.put(shelf, replace(first, as_of=origin.newest.as_of))

    assert shelf.collect_garbage(0.0) == 0
    assert shelf.collect_garbage(GRACE_S - 1.0) == 0
    assert b"".join(shelf.read_segment(dropped))
    assert shelf.collect_garbage(GRACE_S) == 1
    with pytest.raises(Gone):
        b"".join(shelf.read_segment(dropped))
    assert b"".join(shelf.read_segment(kept))
