import contextlib
import shutil

import pytest

from recommender.position import ClusterTime
from recommender.store import CURRENT, SEGMENTS, StoreReader
from server.loader import Served, read_next, to_as_of
from tests.support.products import compact, ids, make_key, make_product
from tests.support.shops import AS_OF, Shop, make_kettles, make_shop


NOTHING = Served()
K2 = make_key("k2")


@pytest.fixture(name="reader")
def _reader(shop):
    return StoreReader(shop.folder)


def similar(served, id_="k1"):
    return ids(hit.key for hit in served.snapshot.similar(make_key(id_), limit=10))


def segment_paths(shop):
    manifest = shop.store.current
    return [shop.folder / SEGMENTS / ref.name for ref in manifest.segments]


def damage(path):
    """
    Change what *path* holds, beside rather than in it: it may be mapped.
    """
    content = bytearray(path.read_bytes())
    content[-100:] = bytes(100)
    path.unlink()
    path.write_bytes(content)


def test_no_folder(tmp_path):
    """
    A store that is not there is no fault: there is nothing to serve yet.
    """
    assert read_next(StoreReader(tmp_path / "none"), NOTHING) is NOTHING


def test_newest_generation_is_served(shop, reader):
    """
    What is published replaces what was served, with the listener's position.
    """
    first = read_next(reader, NOTHING)
    shop.put(make_kettles()[0]._replace(key=make_key("k5")))
    shop.publish()
    shop.say()

    second = read_next(reader, first)

    assert similar(first) == ["k2", "k4"]
    assert similar(second) == ["k5", "k2", "k4"]
    assert second.position.generation == second.snapshot.generation
    assert not second.fault


def test_nothing_new(reader):
    """
    As long as nothing changes the very same is served.
    """
    served = read_next(reader, NOTHING)

    assert read_next(reader, served) is served


def test_what_was_proven_stays_proven(shop, reader):
    """
    A model that was known to be good up to a moment is so still when a newer generation
    cannot be read, or the listener says less.
    """
    later = ClusterTime(AS_OF.seconds + 30, 1)
    shop.say(as_of=later)
    first = read_next(reader, NOTHING)
    shop.say(as_of=AS_OF)
    second = read_next(reader, first)
    shop.put(make_product("k5", "red steel kettle"))
    shop.publish()
    damage(segment_paths(shop)[-1])

    third = read_next(reader, second)

    assert third.fault
    assert third.snapshot is first.snapshot
    for served in (first, second, third):
        assert to_as_of(served.snapshot, served) == later


def test_segments_are_loaded_once(shop, reader):
    """
    A segment that is served already is not read again.
    """
    shop.put(*(make_product(f"o{i}", "lamp") for i in range(10)))
    shop.publish()
    first = read_next(reader, NOTHING)
    shop.put(*(make_product(f"n{i}", "lamp") for i in range(600)))
    shop.publish()
    (kept,) = first.snapshot.manifest.segments
    reader.find_segment(kept.name).unlink()

    second = read_next(reader, first)

    assert second.snapshot.products == 615
    assert second.snapshot.views[0].segment is first.snapshot.views[0].segment


@pytest.mark.parametrize("harm", [damage, lambda path: path.unlink()])
def test_broken_segment_keeps_the_model(shop, reader, harm):
    """
    A generation of which a file is damaged or missing never replaces a good one, and
    the next good one does.
    """
    first = read_next(reader, NOTHING)
    shop.put(make_product("k5", "red steel kettle"))
    shop.publish()
    harm(segment_paths(shop)[-1])

    broken = read_next(reader, first)
    shop.put(make_product("k6", "blue kettle"))
    compact(shop.index)
    shop.publish()
    mended = read_next(reader, broken)

    assert broken.snapshot is first.snapshot
    assert "seg" in broken.fault or "block" in broken.fault
    assert not mended.fault
    assert "k6" in similar(mended)


def test_broken_first_generation_falls_back(shop, reader):
    """
    A server that starts beside a broken generation serves the durable one meanwhile.
    """
    durable = shop.store.make_durable()
    shop.put(make_product("k5", "red steel kettle"))
    shop.publish()
    damage(segment_paths(shop)[-1])

    served = read_next(reader, NOTHING)

    assert served.snapshot.generation == durable.generation
    assert served.fault


def test_damaged_pointer_falls_back(shop, reader):
    """
    Beside a pointer that cannot be read the durable one is obeyed.
    """
    durable = shop.store.make_durable()
    (shop.folder / CURRENT).write_bytes(b"evershelf manifest 1 0\n{}\n")

    served = read_next(reader, NOTHING)

    assert served.snapshot.generation == durable.generation
    assert "checksum" in served.fault


def test_answers_do_not_fall_back(shop, reader):
    """
    The durable generation never replaces a newer one that is served.
    """
    shop.store.make_durable()
    shop.put(make_product("k5", "red steel kettle"))
    newest = shop.publish()
    served = read_next(reader, NOTHING)
    (shop.folder / CURRENT).unlink()

    after = read_next(reader, served)

    assert after.snapshot is served.snapshot
    assert after.snapshot.generation == newest.generation
    assert after.fault


def test_pointer_that_moves_while_its_files_are_opened(shop, reader):
    """
    A file that has been removed because the pointer has moved is no fault.
    """
    (gone,) = segment_paths(shop)

    class Late(StoreReader):
        def load(self, manifest, known=None):
            if gone.exists():
                gone.unlink()
                shop.put(make_product("k5", "red steel kettle"))
                compact(shop.index)
                shop.publish()
            return super().load(manifest, known)

    served = read_next(Late(shop.folder), NOTHING)

    assert served.snapshot.generation == shop.store.current.generation
    assert not served.fault


def test_position_that_has_not_moved(shop, reader, monkeypatch):
    """
    It is not read again.
    """
    served = read_next(reader, NOTHING)
    monkeypatch.setattr(reader, "read_position", lambda: pytest.fail("it was read"))
    shop.publish()
    after = read_next(reader, served, {CURRENT})

    assert after.position is served.position
    assert after.snapshot.generation == 2


def test_store_that_was_made_anew_is_followed(shop, reader):
    """
    Numbers grow within a store, so a lower one belongs to another store; a file that
    bears the name of one that is served is read all the same.
    """
    shop.publish()
    served = read_next(reader, NOTHING)
    shutil.rmtree(shop.folder)
    anew = Shop(shop.folder)
    with contextlib.closing(anew):
        anew.put(*(p._replace(visible=p.key != K2) for p in make_kettles()))
        anew.publish()

        after = read_next(reader, served)

    names = [[r.name for r in s.snapshot.manifest.segments] for s in (served, after)]
    assert names[0] == names[1]
    assert after.snapshot.generation < served.snapshot.generation
    assert similar(served) == ["k2", "k4"]
    assert similar(after) == ["k3", "k4"]


def test_deletion_that_is_taken_back(tmp_path):
    """
    What a store that was made anew shares with the one before is not read again, and
    is as the new one has it.
    """
    folder = tmp_path / "model"
    products = [*make_kettles(), *(make_product(f"n{i}", "lamp") for i in range(600))]
    with contextlib.closing(make_shop(folder, products)) as shop:
        shop.remove("k2")
        shop.publish()
        served = read_next(StoreReader(folder), NOTHING)
    shutil.rmtree(folder)
    with contextlib.closing(make_shop(folder, products)):
        after = read_next(StoreReader(folder), served)

    assert after.snapshot.views[0].segment is served.snapshot.views[0].segment
    assert similar(served) == ["k4"]
    assert similar(after) == ["k2", "k4"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b"{",
        b'{"state":"following","reason":"","generation":1,"as_of":[99999999999,1],'
        b'"read_time":[1,1],"written_at_s":1}',
    ],
)
def test_position_that_makes_no_sense(shop, reader, content):
    """
    A position that cannot be read is none.
    """
    (shop.folder / "position.json").write_bytes(content)

    served = read_next(reader, NOTHING)

    assert served.position is None
    assert served.snapshot is not None


def test_store_of_a_later_version(shop, reader):
    """
    What a newer program wrote is not touched, and the operator learns what to do.
    """
    (shop.folder / CURRENT).write_bytes(b"evershelf manifest 999 0\n{}\n")

    served = read_next(reader, NOTHING)

    assert served.snapshot is None
    assert "Upgrade this program" in served.fault


def test_reader_never_writes(shop, reader):
    """
    Serving leaves the folder as it is.
    """

    def listing():
        return {
            path: path.stat().st_mtime_ns
            for path in shop.folder.rglob("*")
            if path.is_file()
        }

    before = listing()
    read_next(reader, NOTHING)

    assert listing() == before
