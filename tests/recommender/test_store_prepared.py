"""
Files that are made before they are needed are no others than those made then.
"""

import os

import pytest

from recommender.mutation import Upsert
from recommender.store import CURRENT, GRACE_S, SEGMENTS, SPARE
from tests.support.products import make_catalogue, make_index, make_product, publish
from tests.support.stores import files, reopened


@pytest.fixture(name="index")
def _index(store):
    index = make_index(make_catalogue(20))
    publish(store, index)
    return index


def change(index, number=1):
    index.apply([Upsert(make_product(f"n{number}", "red kettle"))])


def made(monkeypatch):
    """
    Return a list of the names of the files that are made from now on.
    """
    names, real = [], os.open

    def note(path, flags, *mode, **more):
        is_there = os.path.exists(path)  # noqa: PTH110 as `os.open` takes it
        descriptor = real(path, flags, *mode, **more)
        if not is_there:
            names.append(os.path.basename(path))  # noqa: PTH119 likewise
        return descriptor

    monkeypatch.setattr(os, "open", note)
    return names


def test_publication_makes_no_file(store, reader, index, monkeypatch):
    """
    What is published fills them, and the next ones are made when there is time again.
    """
    assert not store.is_prepared
    store.prepare()
    assert store.is_prepared
    names = made(monkeypatch)
    change(index)
    manifest = publish(store, index)

    assert names == []
    assert not store.is_prepared
    assert reader.load(reader.read_manifest()).manifest == manifest
    assert set(files(reader.folder)) == {ref.name for ref in manifest.segments}
    store.prepare()
    assert sorted(names) == [f"{CURRENT}.new", SPARE]


def test_without_time_for_it(store, reader, index, monkeypatch):
    """
    A publication that comes sooner makes them itself.
    """
    names = made(monkeypatch)
    change(index)
    manifest = publish(store, index)

    assert sorted(names) == [f"{CURRENT}.new", SPARE]
    assert reader.load(reader.read_manifest()).manifest == manifest


@pytest.mark.parametrize("name", [f"{CURRENT}.new", f"{SEGMENTS}/{SPARE}"])
def test_files_that_somebody_removes(store, reader, index, name):
    """
    They are made again.
    """
    store.prepare()
    (reader.folder / name).unlink()
    change(index)
    manifest = publish(store, index)

    assert reader.load(reader.read_manifest()).manifest == manifest


def test_what_a_crash_has_left_in_them(store, reader, index):
    """
    Half a file is written over, from its beginning.
    """
    for name in (f"{CURRENT}.new", f"{SEGMENTS}/{SPARE}"):
        (reader.folder / name).write_bytes(b"x" * 100_000)
    with reopened(store) as again:
        again.load()
        again.prepare()
        change(index)
        manifest = publish(again, index)

    assert reader.load(reader.read_manifest()).manifest == manifest


def test_another_store_s_generation_uses_one_up(store, reader, index):
    """
    Then they are made again.
    """
    store.prepare()
    store.adopt(store.current)
    assert not store.is_prepared
    store.prepare()
    assert (reader.folder / f"{CURRENT}.new").exists()


def test_half_a_segment_of_a_crash_is_garbage(store, reader, index):
    """
    Where nothing is published any more, it goes as all do that nobody names.
    """
    spare = reader.folder / SEGMENTS / SPARE
    spare.write_bytes(b"x" * 100_000)
    with reopened(store) as again:
        again.load()
        again.collect_garbage(0)
        assert again.collect_garbage(GRACE_S) == 1

    assert not spare.exists()


def test_garbage_collection_leaves_them(store, reader, index, monkeypatch):
    """
    However long nothing is published, they wait.
    """
    store.prepare()
    store.collect_garbage(0)
    assert store.collect_garbage(10 * GRACE_S) == 0
    names = made(monkeypatch)
    change(index)
    publish(store, index)

    assert names == []


def test_disk_that_takes_none(store, index, monkeypatch):
    """
    It is not said here: who publishes will hear of it.
    """

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        store.prepare()
    change(index)
    assert publish(store, index).generation
