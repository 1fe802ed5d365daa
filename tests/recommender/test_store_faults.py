"""
The N-th file operation fails, for every N: the store is the old one or the new one.
"""

import errno
import itertools

import pytest

from recommender import index as index_module
from recommender.index import Index
from recommender.mutation import Delete, Upsert
from recommender.position import ClusterTime, Position, State
from recommender.snapshot import Snapshot
from recommender.store import CURRENT, DURABLE, GRACE_S, Store, StoreReader
from tests.support.faults import Faults
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_index,
    make_key,
    make_product,
    publish,
)
from tests.support.stores import files, reopened
from tests.support.truth import check_snapshot


OLD = make_catalogue(40)
ADDED = [make_product(f"new{i}", "steel kettle") for i in range(6)]
NEW = [*OLD[1:], *ADDED]
FAULTS = [
    pytest.param(code, is_persistent, id=f"{errno.errorcode[code]}-{word}")
    for code in (errno.ENOSPC, errno.EIO)
    for is_persistent, word in ((False, "once"), (True, "lasting"))
]


@pytest.fixture(autouse=True)
def _many_segments(monkeypatch):
    """
    Merge nothing, so that a publication writes several files.
    """
    monkeypatch.setattr(index_module, "SMALL_ROWS", 0)


def read(reader, pointer=CURRENT):
    """
    Return the model that a pointer names, read anew.
    """
    return Snapshot.derive(reader.load(reader.read_pointer(pointer)))


def check_is(snapshot, products):
    check_snapshot(snapshot, products, WEIGHTS, asked=[make_key("5")])


def named_files(reader):
    """
    Return the files that the pointers name.
    """
    return {
        ref.name
        for pointer in (CURRENT, DURABLE)
        for ref in reader.read_pointer(pointer).segments
    }


def every_fault(code, is_persistent, tmp_path):
    """
    Yield faults at the first, second … operation, until none happens, each with a
    store that holds `OLD`, durably, and an index that holds `NEW`, in two segments.
    """
    for at in itertools.count(1):
        with Store.open(tmp_path / str(at)) as store:
            index = make_index(OLD)
            publish(store, index)
            store.make_durable()
            index.apply([Delete(OLD[0].key), *map(Upsert, ADDED[1:])])
            index.freeze()
            index.apply([Upsert(ADDED[0])])
            faults = Faults(at, code, is_persistent=is_persistent)
            yield faults, store, index
            if not faults.happened:
                assert at > 3
                return


@pytest.mark.parametrize(("code", "is_persistent"), FAULTS)
def test_fault_during_publication(tmp_path, code, is_persistent):
    """
    A publication that fails is as if it had never been: readers and numbers know
    nothing of it, it leaves no file, and the next one works.
    """
    for faults, store, index in every_fault(code, is_persistent, tmp_path):
        reader = StoreReader(store._folder)
        with faults.injected():
            try:
                publish(store, index)
            except OSError as error:
                assert error.errno == code  # noqa: PT017 the fault, and no other
                assert faults.happened
                check_is(read(reader), OLD)
                assert store.current == reader.read_manifest()
                assert set(files(reader.folder)) == named_files(reader)
            else:
                check_is(read(reader), NEW)
        seen = reader.read_manifest().generation
        manifest = publish(store, index)
        assert manifest.generation > seen
        check_is(read(reader), NEW)
        assert not list(reader.folder.glob("*.new"))
        store.collect_garbage(0)
        store.collect_garbage(GRACE_S)
        check_is(read(reader), NEW)
        check_is(read(reader, DURABLE), OLD)


@pytest.mark.parametrize(("code", "is_persistent"), FAULTS)
def test_fault_while_making_durable(tmp_path, code, is_persistent):
    """
    A crash after it finds the old generation or the new one; what servers read is
    not touched; and trying again works.
    """
    for faults, store, index in every_fault(code, is_persistent, tmp_path):
        reader = StoreReader(store._folder)
        publish(store, index)
        with faults.injected():
            try:
                store.make_durable()
            except OSError:
                assert faults.happened
            else:
                assert not faults.happened
        check_is(read(reader), NEW)
        durable = read(reader, DURABLE)
        check_is(durable, OLD if durable.products == len(OLD) else NEW)
        store.collect_garbage(0)
        store.collect_garbage(GRACE_S)
        read(reader, DURABLE)
        store.make_durable()
        check_is(read(reader, DURABLE), NEW)
        assert not list(reader.folder.glob("*.new"))


@pytest.mark.parametrize(("code", "is_persistent"), FAULTS)
def test_fault_then_crash(tmp_path, code, is_persistent):
    """
    A process that dies of a failing disk is followed by one that loads a whole
    generation and uses no number again.
    """
    for faults, store, index in every_fault(code, is_persistent, tmp_path):
        reader = StoreReader(store._folder)
        with faults.injected():
            try:
                publish(store, index)
                store.make_durable()
            except OSError:
                pass
        seen = reader.read_manifest().generation
        with reopened(store) as again:
            loaded = Index(WEIGHTS, again.load().segments)
            assert loaded.products in (len(OLD), len(NEW))
            assert publish(again, loaded).generation > seen
            assert read(reader).products == loaded.products


def test_fault_while_starting(tmp_path):
    """
    A disk that fails when a store is loaded and first published to costs no number.
    """
    for faults, store, index in every_fault(errno.EIO, False, tmp_path):
        reader = StoreReader(store._folder)
        seen = publish(store, index).generation
        with reopened(store) as again:
            with faults.injected():
                try:
                    again.load()
                    publish(again, index)
                except OSError:
                    assert faults.happened
            assert publish(again, index).generation > seen
            check_is(read(reader), NEW)


def test_disk_that_stays_full_for_long(tmp_path):
    """
    Hours of failing publications, garbage collected meanwhile, cost nothing: what was
    written before the disk was full is not taken for written once it is gone.
    """
    for faults, store, index in every_fault(errno.ENOSPC, True, tmp_path):
        reader = StoreReader(store._folder)
        for attempt in range(4):
            faults.count = 0
            with faults.injected():
                try:
                    publish(store, index)
                except OSError:
                    assert faults.happened
            store.collect_garbage(attempt * GRACE_S)
        publish(store, index)
        check_is(read(reader), NEW)


def test_numbers_can_run_out_while_the_disk_fails(tmp_path, monkeypatch):
    """
    When no more numbers can be reserved nothing is published, until they can.
    """
    monkeypatch.setattr("recommender.store.RESERVED", 2)
    index = make_index([make_product("1")])
    with Store.open(tmp_path) as store:
        publish(store, index)
        store.make_durable()
        reader = StoreReader(tmp_path)
        faults = Faults(1, errno.EIO, is_persistent=True)
        used = [publish(store, index).generation for _ in range(2)]
        with faults.injected(), pytest.raises(OSError, match="error"):
            publish(store, index)
        assert reader.read_manifest().generation == used[-1]
        assert publish(store, index).generation > used[-1]
        assert reader.read_pointer(DURABLE).next_generation > used[-1] + 1


@pytest.mark.parametrize(("code", "is_persistent"), FAULTS)
def test_fault_while_writing_the_position(tmp_path, code, is_persistent):
    """
    A position that cannot be written leaves the one before.
    """
    now = Position(
        State.FOLLOWING, "", 1, ClusterTime(1, 1), ClusterTime(1, 1), written_at_s=1.0
    )
    for faults, store, _ in every_fault(code, is_persistent, tmp_path):
        reader = StoreReader(store._folder)
        store.write_position(now)
        with faults.injected():
            try:
                store.write_position(now)
            except OSError:
                assert faults.happened
        assert reader.read_position() == now
        assert not list(reader.folder.glob("*.new"))
