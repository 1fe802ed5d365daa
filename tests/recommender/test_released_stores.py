"""
Stores of every released format are read, gone on from, and told apart.
"""

from __future__ import annotations

import shutil

from pathlib import Path
from typing import Any

import orjson
import pytest

from listener.publisher import Shape
from listener.restore import restore
from recommender import manifest as manifests
from recommender import snapshot as snapshots
from recommender.mutation import Upsert
from recommender.position import State
from recommender.snapshot import Snapshot
from recommender.store import Store, StoreReader
from recommender.text import TEXT_VERSION
from tests.fixtures.stores.make import (
    ANSWERS,
    STORE,
    STORES,
    TODAYS,
    make_store,
    to_answers,
)
from tests.support.products import WEIGHTS, make_key, make_product, publish


RELEASED = sorted(path for path in STORES.iterdir() if path.name.isdigit())


def contents(folder: Path) -> dict[str, bytes]:
    """
    Return each file's content, by its path.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def expected(released: Path) -> dict[str, Any]:
    """
    Return what the version that wrote a store answered from it.
    """
    answers: dict[str, Any] = orjson.loads((released / ANSWERS).read_bytes())
    return answers


@pytest.fixture(name="released", params=RELEASED, ids=lambda path: path.name)
def _released(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(name="folder")
def _folder(released: Path, tmp_path: Path) -> Path:
    """
    A copy of a released store.
    """
    return Path(shutil.copytree(released / STORE, tmp_path / STORE))


def test_answers_are_those_of_the_version_that_wrote_it(
    released: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What is shown, alike and visible, and with the same words also what is found, is as
    it was, scores by the least idf of then; nothing of the folder is changed by reading.
    """
    before = expected(released)
    monkeypatch.setattr(snapshots, "LEAST_IDF", before["least_idf"])
    answers = to_answers(folder)
    if before["text"] != answers["text"]:
        del before["found"], before["text"], answers["found"], answers["text"]

    assert answers == before
    assert contents(folder) == contents(released / STORE)
    position = StoreReader(folder).read_position()
    assert position is not None
    assert position.state is State.STOPPING


def test_the_listener_goes_on_from_it(folder: Path) -> None:
    """
    It is restored with its position, publishes in today's format under a number that
    was never used, and keeps all that it does not change.
    """
    manifest = StoreReader(folder).read_manifest()
    shape = Shape("products", manifest.fingerprint)
    with Store.open(folder) as store:
        found = restore(store, StoreReader(folder), WEIGHTS, shape)
        assert found.model is not None
        assert found.model.mark.as_of == manifest.as_of
        assert found.model.mark.checkpoint == manifest.checkpoints["products"]
        found.model.index.apply([Upsert(make_product("new", "Steel kettle"))])
        published = publish(store, found.model.index)
        store.make_durable()
    after = StoreReader(folder)
    snapshot = Snapshot.derive(after.load(after.read_manifest()))

    assert published.generation >= manifest.next_generation
    assert snapshot.products == manifest.products + 1
    best = snapshot.similar(make_key("kettle"), limit=1)
    assert [hit.key for hit in best] == [make_key("new")]


def test_other_versions_of_the_code_train_anew_while_it_serves(folder: Path) -> None:
    """
    A store whose rows mean something else now is no model to go on from; it stays what
    servers have.
    """
    manifest = StoreReader(folder).read_manifest()
    with Store.open(folder) as store:
        found = restore(
            store, StoreReader(folder), WEIGHTS, Shape("products", "other code")
        )

    assert (found.model, found.reason) == (None, "settings_changed")
    assert found.served.generation == manifest.generation
    assert StoreReader(folder).read_manifest() == manifest


def test_the_format_is_what_is_written_today(tmp_path: Path) -> None:
    """
    Each byte that today's code writes is as in the store of its format: whatever
    changes that has to raise the format's number, or older programs misread it.
    """
    make_store(tmp_path / STORE)

    assert contents(tmp_path / STORE) == contents(TODAYS / STORE)


def test_the_format_stands_for_the_words() -> None:
    """
    A server reads searches by its own words, so another version of them needs another
    format, too, that servers with the older words leave alone.
    """
    assert expected(TODAYS)["text"] == TEXT_VERSION
    assert [int(path.name) for path in RELEASED] == [*range(1, manifests.FORMAT + 1)]
