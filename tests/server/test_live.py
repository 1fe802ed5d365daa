import contextlib
import shutil
import threading

from pathlib import Path

import pytest

from structlog.testing import capture_logs

from recommender.store import SEGMENTS
from server.loader import read_next
from tests.support.products import make_catalogue, make_product
from tests.support.shops import make_kettles, make_live, make_shop, until


def generation(live):
    snapshot = live.served.snapshot
    return snapshot.generation if snapshot else 0


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


def threads():
    return [thread.name for thread in threading.enumerate()]


def events(lines):
    return [line["event"] for line in lines]


async def test_publications_are_picked_up(shop):
    """
    Each publication is served soon, without anybody asking.
    """
    live = make_live(shop.folder)
    async with live.following():
        assert generation(live) == 1
        for number in range(5):
            shop.put(make_product(f"n{number}", "red kettle"))
            published = shop.publish().generation
            await until(lambda published=published: generation(live) == published)


async def test_folder_that_is_not_there_yet(tmp_path):
    """
    The server may be there before the listener has ever run; it says that it waits.
    """
    folder = tmp_path / "data" / "model"
    live = make_live(folder)
    with capture_logs() as lines:
        async with live.following():
            assert live.served.snapshot is None
            shop = make_shop(folder, make_kettles())
            with contextlib.closing(shop):
                await until(lambda: generation(live) == 1)

    assert events(lines) == ["model.awaited", "model.loaded"]


async def test_store_that_is_thrown_away_and_made_anew(shop):
    """
    What is served stays while there is no store, and the new store is followed.
    """
    shop.publish()
    live = make_live(shop.folder)
    async with live.following():
        shutil.rmtree(shop.folder)
        await until(lambda: live.served.fault)
        assert generation(live) == 2

        anew = make_shop(shop.folder, make_kettles()[:2])
        with contextlib.closing(anew):
            await until(lambda: generation(live) == 1)


async def test_load_is_logged(shop):
    """
    The line says what is served, what it cost and how long after the publication.
    """
    live = make_live(shop.folder)
    with capture_logs() as lines:
        async with live.following():
            pass

    (line,) = lines
    assert line["event"] == "model.loaded"
    assert line["log_level"] == "info"
    assert (line["generation"], line["products"], line["visible"]) == (1, 5, 4)
    assert line["segments"] == 1
    assert line["load_ms"] > 0
    assert line["since_publish_ms"] > 0


async def test_arrays_are_not_copied_for_each_generation(tmp_path):
    """
    Nothing of what was served before is held: so the next generation lies where the
    last but one has lain, and changes cost what has changed.
    """
    live = make_live(tmp_path)
    with contextlib.closing(make_shop(tmp_path, make_catalogue(200))) as shop:
        places = []
        for number in range(6):
            shop.put(make_product(f"n{number}", "steel kettle"))
            shop.publish()
            live.refresh()
            places.append(live.served.snapshot.views[0].g.ctypes.data)

    assert places[4:] == places[2:4] == places[:2]


async def test_broken_generation_is_logged_once(shop):
    """
    However often a broken generation is met, the log tells when it began and ended.
    """
    live = make_live(shop.folder)
    with capture_logs() as lines:
        live.refresh()
        shop.put(make_product("k5", "red steel kettle"))
        shop.publish()
        path = shop.folder / SEGMENTS / shop.store.current.segments[-1].name
        content = path.read_bytes()
        path.unlink()
        for _ in range(3):
            live.refresh()
        path.write_bytes(content)
        live.refresh()

    assert events(lines) == [
        "model.loaded",
        "model.load_failed",
        "model.loaded",
        "model.load_recovered",
    ]
    assert lines[1]["log_level"] == "error"
    assert lines[1]["serving"] == 1
    assert path.name in lines[1]["reason"]
    assert generation(live) == 2


async def test_waiting_for_a_generation(shop):
    """
    Who waits is told when it is served, and when it is not in time.
    """
    live = make_live(shop.folder)
    async with live.following():
        shop.publish()

        assert await live.wait_until(lambda s: s.snapshot.generation >= 2, 10)
        assert not await live.wait_until(lambda s: s.snapshot.generation >= 3, 0.01)


async def test_waiting_for_a_position(shop):
    """
    What the listener says of itself is told too.
    """
    live = make_live(shop.folder)
    async with live.following():
        shop.say(reason="said")

        assert await live.wait_until(lambda s: s.position.reason == "said", 10)


@pytest.mark.parametrize("raised", [ValueError("x"), MemoryError()])
async def test_whatever_goes_wrong_is_survived(shop, monkeypatch, raised):
    """
    An error that nobody thought of keeps the model, and the next look mends it.
    """
    live = make_live(shop.folder)
    live.refresh()
    shop.publish()

    def fail(*_):
        raise raised

    with monkeypatch.context() as patched:
        patched.setattr("server.loader.StoreReader.load", fail)
        live.refresh()
    assert generation(live) == 1
    assert repr(raised) in live.served.fault

    live.refresh()
    assert (generation(live), live.served.fault) == (2, "")


async def test_following_survives_a_defect(shop, monkeypatch):
    """
    A defect while following is logged, and what comes after it is followed again.
    """
    raised = iter([RuntimeError("defect")])

    def fail_once(*asked):
        for error in raised:
            raise error
        return read_next(*asked)

    monkeypatch.setattr("server.live.RECHECK_S", 0.01)
    live = make_live(shop.folder)
    with capture_logs() as lines:
        async with live.following():
            monkeypatch.setattr("server.live.read_next", fail_once)
            await until(lambda: "model.follow_failed" in events(lines))
            shop.publish()
            await until(lambda: generation(live) == 2)

    assert events(lines).count("model.follow_failed") == 1


async def test_nothing_is_left_behind(shop):
    """
    When following ends its thread has ended and its files are closed, however often.
    """
    files = open_files()
    for _ in range(5):
        live = make_live(shop.folder)
        async with live.following():
            assert "follow" in threads()
        assert "follow" not in threads()

    assert open_files() == files
