"""
Large segments that come into the store before they are published.
"""

import gc

import numpy as np
import pytest

from recommender import store as stores
from recommender.index import Index
from recommender.mutation import Upsert
from recommender.segment import Part, merge_segments
from recommender.store import GRACE_S
from tests.support.displays import make_shown
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_index,
    make_product,
    publish,
)
from tests.support.segments import segment_values
from tests.support.stores import files


@pytest.fixture(name="_all_are_large", autouse=True)
def _all_are_large(monkeypatch):
    monkeypatch.setattr(stores, "MAPPED_BYTES", 1)


@pytest.fixture(name="segment")
def _segment():
    [segment] = make_index(make_catalogue(30)).freeze()
    return segment


def test_kept_is_the_same(store, reader, segment):
    """
    What was kept says what the segment said, from memory that is the file's.
    """
    kept = store.keep(segment)

    assert segment_values(kept) == segment_values(segment)
    assert not kept.tf.flags.owndata
    assert len(files(reader.folder)) == 1


def test_what_pages_show_is_packed(store, reader):
    """
    Of many rows what pages show is packed, and can be merged with that of others.
    """
    [segment] = make_index(make_shown(2_500)).freeze()

    kept = store.keep(segment)
    few = make_index([make_product("new", "steel tent")]).freeze()
    parts = [Part(one, np.zeros(len(one), np.bool_)) for one in (kept, *few)]
    merged = merge_segments(parts, keep_tombstones=False)

    assert kept.displays.packing is not None
    assert kept.nbytes < segment.nbytes
    assert segment_values(kept) == segment_values(segment)
    assert segment_values(store.keep(merged)) == segment_values(merged)
    assert {row["key"]: row for row in segment_values(merged)} == {
        row["key"]: row for one in (segment, *few) for row in segment_values(one)
    }


def test_publishing_it_writes_nothing_more(store, reader, segment):
    """
    Its file is the one that is published, then and later.
    """
    index = Index(WEIGHTS, [store.keep(segment)])
    before = files(reader.folder)

    first = publish(store, index)
    index.apply([Upsert(make_product("new"))])
    second = publish(store, index)

    assert [ref.name for ref in first.segments] == before
    assert first.segments[0] in second.segments
    assert (
        reader.load(second).segments[0].contents.tolist() == segment.contents.tolist()
    )


def test_small_segments_stay(store, reader, segment, monkeypatch):
    """
    A small one is not worth a file of its own before its time.
    """
    monkeypatch.setattr(stores, "MAPPED_BYTES", 1 << 30)

    assert store.keep(segment) is segment
    assert not files(reader.folder)


def test_full_disk(store, reader, segment, monkeypatch):
    """
    When the file cannot be written the segment stays as it is, nothing half-written is
    left, and it can be published later.
    """
    with monkeypatch.context() as patch:

        def fill(self, path, chunks):
            raise OSError(28, "No space left on device")

        patch.setattr(stores.Store, "_write", fill)
        kept = store.keep(segment)

    assert kept is segment
    assert not files(reader.folder)
    published = publish(store, Index(WEIGHTS, [kept]))
    assert reader.load(published).segments


def test_no_number_to_be_had(store, reader, segment, monkeypatch):
    """
    When the disk is too full to reserve more numbers the segment stays as it is, too.
    """
    monkeypatch.setattr(stores, "RESERVED", 0)
    publish(store, Index(WEIGHTS, [segment]))
    store.make_durable()
    before = files(reader.folder)
    with monkeypatch.context() as patch:

        def fill(self, path, chunks):
            raise OSError(28, "No space left on device")

        patch.setattr(stores.Store, "_write", fill)
        assert store.keep(segment) is segment

    assert files(reader.folder) == before
    assert store.keep(segment) is not segment


def test_waits_for_its_publication(store, reader, segment):
    """
    As long as somebody has it, its file stays, however long that takes; afterwards it
    is garbage like any other.
    """
    kept = store.keep(segment)
    for now_s in (0.0, 10 * GRACE_S):
        store.collect_garbage(now_s)
    assert len(files(reader.folder)) == 1

    del kept
    gc.collect()
    for now_s in (11 * GRACE_S, 13 * GRACE_S):
        store.collect_garbage(now_s)

    assert not files(reader.folder)


def test_numbers_are_not_used_twice(store, reader, segment):
    """
    A kept segment takes a number, which no generation has then.
    """
    kept = store.keep(segment)
    other = store.keep(segment)
    published = publish(store, Index(WEIGHTS, [kept]))

    names = {name.split("-")[0] for name in files(reader.folder)}
    assert len(names) == 2
    assert str(published.generation) not in names
    assert np.array_equal(kept.tf, other.tf)


def test_failed_publication_leaves_it(store, reader, segment, monkeypatch):
    """
    When a publication fails, what was kept stays for the next.
    """
    index = Index(WEIGHTS, [store.keep(segment)])
    with monkeypatch.context() as patch:

        def refuse(self, name, content, **_):
            raise OSError(28, "No space left on device")

        patch.setattr(stores.Store, "_replace", refuse)
        with pytest.raises(OSError, match="No space"):
            publish(store, index)

    assert len(files(reader.folder)) == 1
    assert [ref.name for ref in publish(store, index).segments] == files(reader.folder)
