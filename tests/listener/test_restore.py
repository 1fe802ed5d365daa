"""
Where to start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from listener.publisher import Shape
from listener.restore import Restored, restore
from listener.status import NEVER, Served
from recommender.errors import StoreTooNew
from recommender.manifest import FORMAT, Manifest
from recommender.mutation import Upsert
from recommender.position import Position, State
from recommender.store import CURRENT, DURABLE, SEGMENTS, Store, StoreReader
from tests.support.listener import IDENTITY, SHAPE, at, events, make_model
from tests.support.products import WEIGHTS, make_product, publish


PRODUCTS = [make_product("a", "lamp"), make_product("b", "tent", visible=False)]


def start(folder: Path, shape: Shape = SHAPE) -> Restored:
    """
    Return what a process that starts here finds.
    """
    with Store.open(folder) as store:
        return restore(store, StoreReader(folder), WEIGHTS, shape)


def run_once(folder: Path, **values: Any) -> Manifest:
    """
    Publish a model, make it durable and stop.
    """
    with Store.open(folder) as store:
        if (folder / DURABLE).exists():
            store.load()
        manifest = publish(store, make_model(PRODUCTS).index, as_of=at(5), **values)
        store.make_durable()
    return manifest


def run_on_and_crash(folder: Path, increment: int = 8) -> Manifest:
    """
    Publish one more product, which no durable copy has.
    """
    with Store.open(folder) as store:
        generation = store.load()
        index = make_model(PRODUCTS).index
        index.apply([Upsert(make_product("c"))])
        manifest = publish(store, index, as_of=at(increment))
        assert manifest.generation > generation.manifest.generation
    return manifest


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


def test_first_start(folder: Path) -> None:
    """
    An empty store has no model, serves nothing, and holds nothing back.
    """
    found = start(folder)

    assert (found.model, found.reason) == (None, "first_start")
    assert (found.served, found.floor) == (Served(), NEVER)


def test_goes_on_from_the_durable_generation(folder: Path) -> None:
    """
    After a stop the model is as it was, at its position, and servers have it.
    """
    manifest = run_once(folder)
    found = start(folder)

    assert found.model is not None
    assert (found.model.index.products, found.model.index.visible) == (2, 1)
    assert found.model.mark.checkpoint == manifest.checkpoints["products"]
    assert found.model.mark.as_of == at(5)
    assert found.model.identity == IDENTITY
    assert found.served == Served(manifest.generation, at(5), 2, 1, 1)
    assert not found.is_behind


def test_servers_are_ahead(folder: Path) -> None:
    """
    After a crash the durable generation is older than what servers read: that one is
    the floor.
    """
    run_once(folder)
    ahead = run_on_and_crash(folder)
    found = start(folder)

    assert found.model is not None
    assert (found.model.index.products, found.model.mark.as_of) == (2, at(5))
    assert found.served == Served(ahead.generation, at(8), 3, 2, 1)
    assert found.floor == at(8)
    assert found.is_behind


def test_what_servers_were_told_is_kept(folder: Path) -> None:
    """
    The position may have said that the generation is good up to a later time; neither
    the answers' time nor a publication goes back behind that.
    """
    manifest = run_once(folder)
    with Store.open(folder) as store:
        store.write_position(
            Position(State.FOLLOWING, "", manifest.generation, at(9), at(9), 0.0)
        )
    found = start(folder)

    assert found.model is not None
    assert found.model.mark.as_of == at(5)
    assert (found.served.as_of, found.floor) == (at(9), at(9))
    assert not found.is_behind


def test_position_of_another_generation(folder: Path) -> None:
    """
    A position that was written for another generation says nothing of this one.
    """
    manifest = run_once(folder)
    with Store.open(folder) as store:
        store.write_position(
            Position(State.FOLLOWING, "", manifest.generation - 1, at(9), at(9), 0.0)
        )

    assert start(folder).served.as_of == at(5)


@pytest.mark.parametrize("content", [None, b"", b"evershelf manifest 1 0\n{}\n"])
def test_no_current_pointer(folder: Path, content: bytes | None) -> None:
    """
    When the current pointer is missing or damaged servers fall back to the durable
    one, and what is restored is published for them.
    """
    manifest = run_once(folder)
    (folder / CURRENT).unlink()
    if content is not None:
        (folder / CURRENT).write_bytes(content)
    found = start(folder)

    assert found.model is not None
    assert found.served == Served(manifest.generation, at(5), 2, 1, 1)
    assert found.floor == at(5)
    assert found.is_behind


@pytest.mark.parametrize(
    "name", [DURABLE, f"{SEGMENTS}/1-0.seg"], ids=["pointer", "segment"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_store(folder: Path, name: str, damage: str, logs: list[Any]) -> None:
    """
    A durable generation that is not what was written is not used, and that is said;
    servers keep what they have.
    """
    manifest = run_once(folder)
    path = folder / name
    content = bytearray(path.read_bytes())
    content[content.find(b"a") if name == DURABLE else content.rfind(b"lamp")] ^= 0xFF
    damaged = {"flip": content, "cut": content[:-7], "empty": b""}
    path.write_bytes(damaged[damage])
    found = start(folder)

    assert (found.model, found.reason) == (None, "store_damaged")
    assert found.floor == NEVER
    assert found.served.generation == manifest.generation
    assert len(events(logs, "store.damaged")) == 1


def test_missing_segment(folder: Path) -> None:
    """
    A file that somebody removed is damage.
    """
    run_once(folder)
    (folder / SEGMENTS / "1-0.seg").unlink()

    assert start(folder).reason == "store_damaged"


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (Shape("products", "other weights"), "settings_changed"),
        (Shape("articles", "weights"), "other_collection"),
    ],
)
def test_model_of_other_settings(folder: Path, shape: Shape, reason: str) -> None:
    """
    What was trained otherwise, or of another collection, serves until it is rebuilt,
    and is no floor for the model that is.
    """
    manifest = run_once(folder)
    found = start(folder, shape)

    assert (found.model, found.reason) == (None, reason)
    assert found.served.generation == manifest.generation
    assert found.floor == NEVER


def test_store_of_a_later_version(folder: Path) -> None:
    """
    A store that this program cannot know is not overwritten.
    """
    run_once(folder)
    for name in (CURRENT, DURABLE):
        path = folder / name
        path.write_bytes(
            path.read_bytes().replace(b"manifest %d " % FORMAT, b"manifest 999 ", 1)
        )

    with pytest.raises(StoreTooNew):
        start(folder)
