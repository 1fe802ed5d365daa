"""
Generations in GridFS, in a real database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from bson.objectid import ObjectId
from pymongo.database import Database

from listener.copies.fetch import fetch
from listener.copies.place import Gone, PlaceFault
from listener.mongo.shelf import BEHIND, EMPTY, GRACE_S, OVERTAKEN, Shelf
from recommender import manifest as manifests
from recommender.index import Index
from recommender.manifest import Manifest
from recommender.mutation import Upsert
from recommender.position import ClusterTime
from recommender.store import CURRENT, SEGMENTS, Store, StoreReader
from tests.support.products import make_catalogue, make_index, make_product, publish


class Origin:
    """
    A listener's store, and its index.
    """

    def __init__(self, store: Store, folder: Path, index: Index) -> None:
        self._store = store
        self._folder = folder
        self._index = index
        self.newest = publish(store, index)

    def change(self) -> Manifest:
        """
        Publish one product more; return the manifest.
        """
        self._index.apply([Upsert(make_product("new", "tea"))])
        self.newest = publish(self._store, self._index)
        return self.newest

    def open_segment(self, name: str) -> BinaryIO:
        """
        Open a segment's file.
        """
        return (self._folder / SEGMENTS / name).open("rb")


@pytest.fixture(name="origin")
def _origin(tmp_path: Path) -> Iterator[Origin]:
    folder = tmp_path / "origin"
    with Store.open(folder) as store:
        yield Origin(store, folder, make_index(make_catalogue(600)))


@pytest.fixture(name="shelf")
def _shelf(database: Database[dict[str, Any]]) -> Shelf:
    return Shelf("shelf", database)


def test_what_is_published_is_fetched(
    shelf: Shelf, origin: Origin, store: Store, reader: StoreReader
) -> None:
    """
    Another host's store has the very generation afterwards, and its servers read it.
    """
    shelf.publish(origin.newest, origin.open_segment)

    fetch(store, shelf, accept=lambda _manifest: None, check=lambda: None)

    assert reader.read_pointer(CURRENT).segments == origin.newest.segments
    assert reader.load(reader.read_manifest()).manifest.products == 600


def test_only_new_segments_travel(shelf: Shelf, origin: Origin) -> None:
    """
    What is there already is not sent again.
    """
    assert shelf.publish(origin.newest, origin.open_segment) == 1
    assert shelf.publish(origin.change(), origin.open_segment) == 1
    assert shelf.publish(origin.newest, origin.open_segment) == 0
    assert len(origin.newest.segments) == 2


def test_nothing_published_yet(shelf: Shelf) -> None:
    """
    An empty database is a place that has nothing, not an error of the driver.
    """
    with pytest.raises(PlaceFault, match=EMPTY):
        shelf.read_manifest()


@pytest.mark.parametrize("is_first", [True, False])
def test_two_publishers(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]], is_first: bool
) -> None:
    """
    Who was overtaken while its segments travelled does not move the pointer.
    """
    if not is_first:
        shelf.publish(origin.newest, origin.open_segment)
    theirs = origin.newest
    mine = origin.change()

    def overtake(name: str) -> BinaryIO:
        Shelf("other", database).publish(theirs, origin.open_segment)
        return origin.open_segment(name)

    with pytest.raises(PlaceFault, match=OVERTAKEN):
        shelf.publish(mine, overtake)
    assert shelf.read_manifest() == manifests.to_bytes(theirs)


def test_never_back_in_time(shelf: Shelf, origin: Origin) -> None:
    """
    A publisher that is behind leaves what is later.
    """
    seconds = origin.newest.as_of.seconds
    later = replace(origin.newest, as_of=ClusterTime(seconds + 1, 0))
    shelf.publish(later, origin.open_segment)

    with pytest.raises(PlaceFault, match=BEHIND):
        shelf.publish(origin.newest, origin.open_segment)
    assert shelf.read_manifest() == manifests.to_bytes(later)


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
    database["evershelf.pointer"].insert_one({"_id": "manifest"} | damage)

    shelf.publish(origin.newest, origin.open_segment)
    assert shelf.read_manifest() == manifests.to_bytes(origin.newest)


def test_chunks_of_a_killed_publisher(
    shelf: Shelf, origin: Origin, database: Database[dict[str, Any]]
) -> None:
    """
    Chunks without a file, as a kill leaves them, go as segments do.
    """
    shelf.publish(origin.newest, origin.open_segment)
    chunks = database["evershelf.chunks"]
    published = chunks.count_documents({})
    chunks.insert_one({"files_id": ObjectId(), "n": 0, "data": b"half"})

    shelf.collect_garbage(0.0)
    assert chunks.count_documents({}) == published + 1
    assert shelf.collect_garbage(GRACE_S) == 1
    assert chunks.count_documents({}) == published


def test_garbage_goes_after_a_grace(shelf: Shelf, origin: Origin) -> None:
    """
    A segment that the pointer names no more stays for a while; one that it names, always.
    """
    first = origin.newest
    shelf.publish(origin.change(), origin.open_segment)
    kept, dropped = origin.newest.segments
    shelf.publish(replace(first, as_of=origin.newest.as_of), origin.open_segment)

    assert shelf.collect_garbage(0.0) == 0
    assert shelf.collect_garbage(GRACE_S - 1.0) == 0
    assert b"".join(shelf.read_segment(dropped))
    assert shelf.collect_garbage(GRACE_S) == 1
    with pytest.raises(Gone):
        b"".join(shelf.read_segment(dropped))
    assert b"".join(shelf.read_segment(kept))
