import os
import threading

import pytest

from recommender.mutation import Upsert
from recommender.snapshot import Snapshot
from recommender.store import (
    CURRENT,
    DURABLE,
    GRACE_S,
)
from tests.support.products import (
    make_index,
    make_product,
    publish,
)
from tests.support.stores import files, reopened


def make_garbage(store):
    """
    Publish twice so that a segment of the first is named no more; return its name.
    """
    index = make_index([make_product("1")])
    first = publish(store, index)
    index.apply([Upsert(make_product("1", "tea"))])
    publish(store, index)
    return first.segments[0].name


def test_garbage_goes_after_a_delay(store, reader):
    """
    A file that no pointer names is removed once it has been so for the grace time.
    """
    name = make_garbage(store)

    assert store.collect_garbage(100) == 0
    assert store.collect_garbage(100 + GRACE_S - 1) == 0
    assert name in files(reader.folder)
    assert store.collect_garbage(100 + GRACE_S) == 1
    assert name not in files(reader.folder)
    assert Snapshot.derive(reader.load(reader.read_manifest())).products == 1


def test_what_the_durable_pointer_names_is_kept(store, reader):
    """
    The generation to fall back to keeps its files, until another is durable.
    """
    index = make_index([make_product("1")])
    durable = publish(store, index)
    store.make_durable()
    index.apply([Upsert(make_product("1", "tea"))])
    publish(store, index)

    store.collect_garbage(0)
    assert store.collect_garbage(GRACE_S) == 0
    reader.load(durable)
    store.make_durable()
    store.collect_garbage(0)
    assert store.collect_garbage(GRACE_S) == 1


@pytest.mark.parametrize("is_loaded", [True, False])
def test_pointers_of_the_process_before_are_respected(store, reader, is_loaded):
    """
    After a crash, what servers read stays until something is published in its place,
    however long that takes.
    """
    index = make_index([make_product("1")])
    publish(store, index)
    store.make_durable()
    index.apply([Upsert(make_product("1", "tea"))])
    current = publish(store, index)

    with reopened(store) as again:
        if is_loaded:
            again.load()
        again.collect_garbage(0)
        assert again.collect_garbage(100 * GRACE_S) == 0
        reader.load(current)
        reader.load(reader.read_pointer(DURABLE))


def test_unreadable_pointer_stops_collection(store, reader):
    """
    As long as it is not known what a pointer names, nothing is removed.
    """
    name = make_garbage(store)
    content = (reader.folder / CURRENT).read_bytes()
    (reader.folder / CURRENT).write_bytes(b"garbage")
    store.collect_garbage(0)

    assert store.collect_garbage(GRACE_S) == 0
    assert name in files(reader.folder)
    (reader.folder / CURRENT).write_bytes(content)
    store.collect_garbage(GRACE_S)
    assert store.collect_garbage(2 * GRACE_S) == 1


class SlowDisk:
    """
    An fsync that waits until it is told to go on.
    """

    def __init__(self):
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self._fsync = os.fsync

    def fsync(self, descriptor):
        self.reached.set()
        assert self.go_on.wait(60)
        self._fsync(descriptor)


def test_slow_disk_holds_nobody_up_and_loses_nothing(store, reader, monkeypatch):
    """
    While a generation is being made durable others are published, garbage is
    collected, and the files on their way are kept.
    """
    disk = SlowDisk()
    index = make_index([make_product("1")])
    settling = publish(store, index)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", disk.fsync)
        thread = threading.Thread(target=store.make_durable)
        thread.start()
        assert disk.reached.wait(60)
        index.apply([Upsert(make_product("1", "tea"))])
        publish(store, index)
        store.collect_garbage(0)
        assert store.collect_garbage(100 * GRACE_S) == 0
        disk.go_on.set()
        thread.join(10)

    assert reader.read_pointer(DURABLE).generation == settling.generation
    reader.load(reader.read_pointer(DURABLE))
    assert reader.read_manifest().generation == settling.generation + 1
