"""
Generations brought from one store to another.
"""

from __future__ import annotations

import errno
import itertools
import shutil

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from listener.copies.fetch import ROUNDS, fetch
from listener.copies.place import Gone, PlaceFault
from listener.copies.pointer import to_fields, to_position
from recommender.errors import StoreCorrupt
from recommender.index import Index
from recommender.manifest import SegmentRef
from recommender.mutation import Upsert
from recommender.position import ClusterTime, Position, State
from recommender.store import CURRENT, DURABLE, SEGMENTS, Store, StoreReader
from tests.support.faults import Faults
from tests.support.products import make_catalogue, make_index, make_product, publish
from tests.support.stores import files


class Folder:
    """
    A place that is another store of this machine; it remembers what was asked for.
    """

    name = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.read: list[str] = []
        self.before: Callable[[SegmentRef], None] = lambda _ref: None
        self.after = b""

    def read_manifest(self) -> bytes:
        """
        See `Place`.
        """
        return (self._folder / DURABLE).read_bytes()

    def read_segment(self, ref: SegmentRef) -> Iterator[bytes]:
        """
        See `Place`.
        """
        self.before(ref)
        self.read.append(ref.name)
        yield (self._folder / SEGMENTS / ref.name).read_bytes()
        if self.after:
            yield self.after


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "origin") as store:
        yield store


@pytest.fixture(name="index")
def _index(origin: Store) -> Index:
    index = make_index(make_catalogue(600))
    publish(origin, index)
    origin.make_durable()
    return index


@pytest.fixture(name="place")
def _place(tmp_path: Path, index: Index) -> Folder:
    assert index.products
    return Folder(tmp_path / "origin")


def take(store: Store, place: Folder) -> list[str]:
    """
    Return the names of the segments that travel.
    """
    place.read = []
    fetch(store, place, accept=lambda _manifest: None, check=lambda: None)
    return place.read


def test_becomes_the_stores_own(
    store: Store, reader: StoreReader, place: Folder
) -> None:
    """
    Servers read the very generation that the other store has, a crash falls back to it,
    and the next publication has a later number.
    """
    take(store, place)

    theirs = StoreReader(place._folder).read_pointer(DURABLE)
    assert reader.read_pointer(CURRENT).segments == theirs.segments
    assert reader.read_pointer(DURABLE).checkpoints == theirs.checkpoints
    assert reader.load(reader.read_manifest()).manifest.products == 600
    assert publish(store, make_index()).generation >= theirs.next_generation


def test_only_new_segments_travel(
    store: Store, origin: Store, index: Index, place: Folder
) -> None:
    """
    What is here already does not come again.
    """
    assert len(take(store, place)) == 1
    index.apply([Upsert(make_product("new", "tea"))])
    newest = publish(origin, index)
    origin.make_durable()

    assert take(store, place) == [newest.segments[-1].name]
    assert len(newest.segments) == 2
    assert take(store, place) == []


def test_what_is_known_is_not_looked_at(
    store: Store, origin: Store, index: Index, place: Folder
) -> None:
    """
    A follower, to whom generations come several times a second, reads of each what is
    new, and not the files again that it has open.
    """
    known = fetch(store, place, accept=lambda _manifest: None, check=lambda: None)
    index.apply([Upsert(make_product("new", "tea"))])
    newest = publish(origin, index)
    origin.make_durable()
    (store._folder / SEGMENTS / newest.segments[0].name).write_bytes(b"damaged since")
    place.read = []
    fetched = fetch(
        store,
        place,
        accept=lambda _manifest: None,
        check=lambda: None,
        known=known,
    )

    assert place.read == [newest.segments[1].name]
    assert fetched.segments[0] is known.segments[0]
    assert store.current == fetched.manifest


def test_segments_that_were_replaced_meanwhile(
    store: Store, reader: StoreReader, origin: Store, index: Index, place: Folder
) -> None:
    """
    When a file that the manifest names is gone, a newer manifest says what is there.
    """

    def replace(_ref: SegmentRef) -> None:
        place.before = lambda _ref: None
        index.apply([Upsert(make_product("new", "tea"))])
        publish(origin, index)
        origin.make_durable()
        raise Gone

    place.before = replace
    take(store, place)

    assert reader.read_manifest().products == 601


def test_gives_up_when_they_are_gone_each_time(store: Store, place: Folder) -> None:
    """
    After some rounds it is the place that is at fault.
    """
    asked = []

    def vanish(ref: SegmentRef) -> None:
        asked.append(ref)
        raise Gone

    place.before = vanish
    with pytest.raises(PlaceFault, match="quickly"):
        take(store, place)
    assert len(asked) == ROUNDS
    assert store.current is None


def test_killed_meanwhile(
    tmp_path: Path, origin: Store, index: Index, place: Folder
) -> None:
    """
    Wherever a process ends that makes a generation its own: if its store has it then,
    servers have it, too, so that nobody need do it again.
    """
    with Store.open(tmp_path / "before") as store:
        take(store, place)
    index.apply([Upsert(make_product("new", "tea"))])
    newest = publish(origin, index).segments
    origin.make_durable()
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "before", folder)
        faults = Faults(number, errno.EIO, is_persistent=True)
        with Store.open(folder) as store:
            store.load()
            with faults.injected(), suppress(OSError, StoreCorrupt):
                take(store, place)
        with Store.open(folder) as store:
            has_come = store.load().manifest.segments == newest
        if has_come:
            assert StoreReader(folder).read_pointer(CURRENT).segments == newest
        if not faults.happened:
            break
    assert has_come
    assert number > 5


def test_more_than_was_announced(
    store: Store, reader: StoreReader, place: Folder
) -> None:
    """
    A file that does not end where it should is left at once, and nothing remains.
    """
    place.after = b"more"
    with pytest.raises(StoreCorrupt, match="more"):
        take(store, place)
    assert files(reader.folder) == []


def test_what_is_of_no_use_does_not_travel(store: Store, place: Folder) -> None:
    """
    A manifest that is not accepted is all that is asked for.
    """

    def refuse(_manifest: object) -> None:
        raise PlaceFault

    with pytest.raises(PlaceFault):
        fetch(store, place, accept=refuse, check=lambda: None)
    assert place.read == []


def test_ends_when_it_is_told_to(
    store: Store, reader: StoreReader, place: Folder
) -> None:
    """
    A process that is asked to stop does not finish the copy, and leaves no half of a
    file.
    """

    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        fetch(store, place, accept=lambda _manifest: None, check=check)
    assert files(reader.folder) == []


def test_ends_when_nothing_need_travel(store: Store, place: Folder) -> None:
    """
    The same holds while what is here already is compared with its checksums.
    """
    take(store, place)

    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        fetch(store, place, accept=lambda _manifest: None, check=check)


def test_a_name_that_leads_elsewhere(store: Store) -> None:
    """
    No file is written but segments, wherever a manifest says that they are.
    """
    with pytest.raises(StoreCorrupt, match="no name"):
        store.receive(SegmentRef("../current.json", 4, "0"), [b"evil"])


def test_a_reason_that_is_more_than_a_word() -> None:
    """
    What another host says of itself is told in a header, which it cannot end.
    """
    moment = ClusterTime(1, 1)
    position = Position(State.RETRYING, "refused", 1, moment, moment, 1.0)
    fields = to_fields(position)

    assert to_position(fields) == position
    with pytest.raises(PlaceFault):
        to_position(fields | {"reason": "refused\r\nSet-Cookie: a=b"})
