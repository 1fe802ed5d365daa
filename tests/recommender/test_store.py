import os
import stat

from pathlib import Path

import pytest

from recommender import store as stores
from recommender.errors import (
    StoreEmpty,
)
from recommender.index import Index
from recommender.mutation import Delete, Upsert
from recommender.position import ClusterTime
from recommender.snapshot import Snapshot
from recommender.store import (
    CURRENT,
    DURABLE,
    RESERVED,
    SEGMENTS,
)
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_index,
    make_key,
    make_product,
    publish,
)
from tests.support.segments import segment_values
from tests.support.stores import files, reopened


OPEN_FILES = Path("/proc/self/fd")


def test_published_is_read(store, reader):
    """
    A reader gets the manifest and the segments that were published.
    """
    index = make_index(make_catalogue(20))
    manifest = publish(store, index, checkpoints={"products": "token"})

    generation = reader.load(reader.read_manifest())

    assert generation.manifest == manifest == store.current
    assert manifest.checkpoints == {"products": "token"}
    assert (manifest.products, manifest.visible) == (20, index.visible)
    assert [segment_values(s) for s in generation.segments] == [
        segment_values(s) for s in index.freeze()
    ]


def test_nothing_big_is_rewritten_for_a_small_change(store, reader):
    """
    A publication writes the new segments only, and a reader reads no others.
    """
    index = make_index(make_catalogue(600))
    publish(store, index)
    first = reader.load(reader.read_manifest())
    (name,) = files(reader.folder)
    written = (reader.folder / SEGMENTS / name).stat()
    index.apply([Upsert(make_product("new", "tea"))])
    publish(store, index)

    second = reader.load(reader.read_manifest(), first)

    assert (reader.folder / SEGMENTS / name).stat() == written
    assert len(files(reader.folder)) == 2
    assert second.segments[0] is first.segments[0]


def test_segment_of_tombstones_alone_is_not_read_again(store, reader):
    """
    A segment without rows is known like any other.
    """
    index = make_index(make_catalogue(600))
    publish(store, index)
    index.apply([Delete(make_key("5"))])
    publish(store, index)
    first = reader.load(reader.read_manifest())
    assert len(first.segments[1]) == 0

    second = reader.load(reader.read_manifest(), first)

    assert second.segments[1] is first.segments[1]


def test_large_segments_are_mapped(store, reader, monkeypatch):
    """
    Mapped or read, a segment says the same.
    """
    monkeypatch.setattr(stores, "MAPPED_BYTES", 1)
    index = make_index(make_catalogue(50))
    publish(store, index)

    (segment,) = reader.load(reader.read_manifest()).segments

    assert segment_values(segment) == segment_values(index.freeze()[0])


def test_same_segments_are_published_without_writing_one(store, reader):
    """
    A publication that only moves the checkpoint writes the pointer alone.
    """
    index = make_index(make_catalogue(5))
    publish(store, index)
    before = files(reader.folder)

    publish(store, index, checkpoints={"products": "later"})

    assert files(reader.folder) == before
    assert reader.read_manifest().checkpoints == {"products": "later"}


def test_empty_catalogue_is_a_model(store, reader):
    """
    No products are published like some.
    """
    publish(store, Index(WEIGHTS))

    generation = reader.load(reader.read_manifest())

    assert Snapshot.derive(generation).products == 0
    assert generation.segments == ()


def test_files_are_the_users_own(store, reader):
    """
    Nobody else may read the catalogue.
    """
    publish(store, make_index(make_catalogue(3)))
    store.make_durable()

    for path in [reader.folder, *reader.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(reader.folder.stat().st_mode) == 0o700


def test_durable_generation_is_loaded(store):
    """
    A new process goes on from the last durable generation, not from the current one.
    """
    index = make_index(make_catalogue(9))
    publish(store, index, checkpoints={"products": "durable"})
    assert store.make_durable() == store.current
    index.apply([Upsert(make_product("lost"))])
    publish(store, index)

    with reopened(store) as again:
        generation = again.load()

    assert generation.manifest.checkpoints == {"products": "durable"}
    assert Index(WEIGHTS, generation.segments).products == 9


def test_durable_generation_is_the_first_to_hold_nothing(store, reader):
    """
    Who falls back to it, or copies it, would count writes as late that were not.
    """
    published = publish(store, make_index([make_product("a")]), written_s=5.25)
    store.make_durable()

    assert reader.read_pointer(CURRENT).written_s == published.written_s == 5.25
    assert reader.read_pointer(DURABLE).written_s is None


def test_first_generation_outlives_its_process_before_it_is_durable(store):
    """
    Whoever comes next goes on from what is published, and has yet to make it durable.
    """
    manifest = publish(store, make_index([make_product("1")]))

    with reopened(store) as again:
        generation = again.load()
        assert again.durable is None
        again.make_durable()
        durable = again.durable

    assert generation.manifest == manifest
    assert durable.generation == manifest.generation


def test_all_that_the_durable_pointer_names_is_synced_first(store, reader, monkeypatch):
    """
    Segments, then their folder, then the manifest reach the disk before the rename,
    the rename itself after it; and no segment twice.
    """
    index = make_index(make_catalogue(600))
    publish(store, index)
    order = []
    fsync, replace = os.fsync, os.replace

    def note_sync(descriptor):
        order.append((OPEN_FILES / str(descriptor)).readlink().name)
        fsync(descriptor)

    def note_rename(source, target):
        order.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    store.make_durable()

    rest = ["segments", "durable.json.new", "rename", "model"]
    assert order == [*files(reader.folder), *rest]
    order.clear()
    index.apply([Upsert(make_product("new"))])
    publish(store, index)
    assert order == ["rename", "rename"]  # the segment, and the pointer
    order.clear()
    store.make_durable()
    assert order == [store.current.segments[1].name, *rest]


def test_nothing_to_make_durable(store, reader):
    """
    Before the first publication there is nothing to keep.
    """
    assert store.make_durable() is None
    with pytest.raises(StoreEmpty):
        reader.read_pointer(DURABLE)


def test_generation_may_prove_good_for_longer(store, reader):
    """
    A later position of the same model is what a crash falls back to; nothing is
    written for it before that.
    """
    assert store.advance({"products": "early"}, ClusterTime(1, 0)) is None
    published = publish(store, make_index([make_product("1")]))

    store.advance({"products": "later"}, ClusterTime(9, 9))

    assert reader.read_manifest() == published
    store.make_durable()
    durable = reader.read_pointer(DURABLE)
    assert durable.generation == published.generation
    assert durable.segments == published.segments
    assert (durable.checkpoints, durable.as_of) == ({"products": "later"}, (9, 9))


def test_loaded_generation_can_be_published_on(store, reader):
    """
    After a restart the loaded segments are named again, not written again.
    """
    publish(store, make_index(make_catalogue(600)))
    store.make_durable()
    before = files(reader.folder)

    with reopened(store) as again:
        index = Index(WEIGHTS, again.load().segments)
        index.apply([Upsert(make_product("new"))])
        publish(again, index)

    assert len(files(reader.folder)) == len(before) + 1
    assert Snapshot.derive(reader.load(reader.read_manifest())).products == 601


def test_numbers_grow(store):
    """
    Each publication has a higher number than the one before.
    """
    index = make_index([make_product("1")])

    assert [publish(store, index).generation for _ in range(4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("is_loaded", [True, False])
@pytest.mark.parametrize("lost", [(), (CURRENT,), (DURABLE,), (CURRENT, DURABLE)])
def test_numbers_grow_over_crashes(store, tmp_path, lost, is_loaded):
    """
    Whatever the crash took, no number seen before comes again.
    """
    index = make_index([make_product("1")])
    publish(store, index)
    store.make_durable()
    index.apply([Upsert(make_product("2"))])
    last = [publish(store, index) for _ in range(5)][-1]
    for name in lost:
        (tmp_path / "model" / name).write_bytes(b"")

    with reopened(store) as again:
        if is_loaded and DURABLE not in lost:
            index = Index(WEIGHTS, again.load().segments)
        assert publish(again, index).generation > last.generation


def test_numbers_do_not_jump_over_a_clean_stop(store):
    """
    A store that was closed in order goes on with the next number.
    """
    index = make_index([make_product("1")])
    publish(store, index)
    store.make_durable(final=True)

    with reopened(store) as again:
        again.load()
        assert publish(again, index).generation == 2


def test_final_word_without_a_publication_gives_no_number_back(store):
    """
    A process that loads, publishes nothing and stops leaves used numbers used.
    """
    index = make_index([make_product("1")])
    publish(store, index)
    store.make_durable()
    last = [publish(store, index) for _ in range(5)][-1]

    with reopened(store) as second:
        second.load()
        second.make_durable(final=True)
        (second._folder / CURRENT).unlink()
        with reopened(second) as third:
            third.load()
            assert publish(third, index).generation > last.generation


def test_more_numbers_are_reserved_before_they_run_out(store, reader, monkeypatch):
    """
    The durable pointer always names a number above all that are used.
    """
    monkeypatch.setattr(stores, "RESERVED", 3)
    index = make_index([make_product("1")])
    publish(store, index)
    store.make_durable()

    for _ in range(10):
        used = publish(store, index).generation
        assert reader.read_pointer(DURABLE).next_generation > used
    assert reader.read_pointer(DURABLE).generation == 1


def test_making_durable_never_lowers_what_is_reserved(store, reader):
    """
    Reserved numbers count from the highest ever taken.
    """
    index = make_index([make_product("1")])
    for _ in range(3):
        publish(store, index)
        store.make_durable()
        reserved = reader.read_pointer(DURABLE).next_generation
        assert reserved == store.current.generation + 1 + RESERVED
