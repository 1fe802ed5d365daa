import contextlib

import pytest

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from recommender import store as stores
from recommender.errors import (
    RecommenderError,
    StoreCorrupt,
    StoreEmpty,
    StoreTooNew,
)
from recommender.manifest import FORMAT
from recommender.mutation import Upsert
from recommender.snapshot import Snapshot
from recommender.store import (
    CURRENT,
    DURABLE,
    GRACE_S,
    POSITION,
    SEGMENTS,
    Store,
    StoreReader,
)
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_index,
    make_product,
    publish,
)
from tests.support.stores import reopened


def test_empty_store(tmp_path, store, reader):
    """
    Nothing published, or no folder at all, is an empty store.
    """
    for one in (reader, StoreReader(tmp_path / "absent")):
        with pytest.raises(StoreEmpty):
            one.read_manifest()
    with pytest.raises(StoreEmpty):
        store.load()


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "garbage": lambda content: b"\x00garbage" * 9,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_current_pointer_falls_back(store, reader, damage):
    """
    Readers use the durable manifest when the current one is damaged.
    """
    index = make_index([make_product("1")])
    publish(store, index)
    path = reader.folder / CURRENT
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    with pytest.raises(StoreCorrupt, match=CURRENT):
        reader.read_manifest()
    path.write_bytes(whole)
    durable = store.make_durable()
    publish(store, index)
    path.write_bytes(damage(path.read_bytes()))

    manifest = reader.read_manifest()

    assert manifest.generation == durable.generation


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_durable_pointer_is_corrupt(store, damage):
    """
    The listener does not go on from a manifest that differs from what it wrote.
    """
    publish(store, make_index([make_product("1")]))
    store.make_durable()
    path = store._folder / DURABLE
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(StoreCorrupt, match=DURABLE):
        store.load()


@pytest.mark.parametrize("mapped_bytes", [1, 1 << 20])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_segment_is_corrupt(store, reader, monkeypatch, damage, mapped_bytes):
    """
    Neither reader nor listener accepts a damaged segment, read or mapped, and both say
    which it is.
    """
    monkeypatch.setattr(stores, "MAPPED_BYTES", mapped_bytes)
    manifest = publish(store, make_index(make_catalogue(9), WEIGHTS))
    store.make_durable()
    path = reader.folder / SEGMENTS / manifest.segments[0].name
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(damage(content[:middle]) + content[middle:])

    for load in (lambda: reader.load(manifest), store.load):
        with pytest.raises(StoreCorrupt, match=manifest.segments[0].name):
            load()


def test_segment_of_the_same_name_and_size_is_another(store, reader):
    """
    A file that was put in the place of a segment, whole as it may be, is corrupt.
    """
    first = publish(store, make_index([make_product("1", "tea")]))
    second = publish(store, make_index([make_product("2", "pot")]))
    one, other = (
        reader.folder / SEGMENTS / m.segments[0].name for m in (first, second)
    )
    assert one.stat().st_size == other.stat().st_size
    one.write_bytes(other.read_bytes())

    with pytest.raises(StoreCorrupt, match="another file"):
        reader.load(first)


def test_missing_segment_is_corrupt(store, reader):
    """
    A reader that comes too late is told, and finds the newer pointer.
    """
    index = make_index([make_product("1")])
    old = publish(store, index)
    index.apply([Upsert(make_product("1", "new"))])
    new = publish(store, index)
    for name in {ref.name for ref in old.segments} - {r.name for r in new.segments}:
        (reader.folder / SEGMENTS / name).unlink()

    with pytest.raises(StoreCorrupt, match="cannot be read"):
        reader.load(old)
    assert Snapshot.derive(reader.load(reader.read_manifest())).products == 1


@pytest.mark.parametrize("name", [CURRENT, DURABLE])
def test_store_of_a_later_version_is_left_alone(store, reader, name):
    """
    What a later version wrote is not read, not published over, nothing collected.
    """
    index = make_index([make_product("1")])
    publish(store, index)
    store.make_durable()
    path = reader.folder / name
    path.write_bytes(
        path.read_bytes().replace(
            b"manifest %d" % FORMAT, b"manifest %d" % (FORMAT + 1)
        )
    )

    with pytest.raises(StoreTooNew):
        reader.read_pointer(name)
    with reopened(store) as again:
        with pytest.raises(StoreTooNew):
            again.load()
        with pytest.raises(StoreTooNew):
            publish(again, index)
        again.collect_garbage(0)
        assert again.collect_garbage(GRACE_S) == 0


@limits(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([CURRENT, DURABLE, POSITION, "segment"]), st.binary(max_size=300)
)
def test_any_bytes_anywhere_end_in_our_error(tmp_path_factory, name, content):
    """
    No content of any file ends in an error that a reader does not expect.
    """
    folder = tmp_path_factory.mktemp("store")
    with Store.open(folder) as store:
        manifest = publish(store, make_index([make_product("1")]))
    reader = StoreReader(folder)
    segment = folder / SEGMENTS / manifest.segments[0].name
    (segment if name == "segment" else folder / name).write_bytes(content)

    reader.read_position()
    for read in (
        lambda: reader.read_pointer(CURRENT),
        lambda: reader.read_pointer(DURABLE),
        lambda: reader.load(reader.read_manifest()),
    ):
        with contextlib.suppress(RecommenderError):
            read()
