"""
What the doctor says of this host: settings, disk, store and listener.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo.database import Database

from listener.doctor.disk import MB, judge_disk, look_at_disk
from listener.doctor.finding import Verdict
from recommender.manifest import FORMAT
from recommender.position import ClusterTime, Position, State
from recommender.store import CURRENT, DURABLE, POSITION, SEGMENTS, Store, StoreReader
from tests.support.examined import examine
from tests.support.listener import at
from tests.support.processes import Pair, running, to_uri
from tests.support.products import make_index, make_product
from tests.support.shop import make_document
from tests.support.waiting import wait_for


NOWHERE = "mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=1"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listener.mongo.client.SELECTION_S", 0.05)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    """
    One with a model of three products, which nobody holds any more.
    """
    with Store.open(tmp_path / "model") as store:
        products = [make_product(name, f"{name} kettle") for name in ("a", "b", "c")]
        store.publish(
            make_index(products).freeze(),
            checkpoints={"products": "here"},
            as_of=at(1),
            identity="shop.products",
            fingerprint="other settings",
            products=3,
            visible=3,
            written_s=None,
            now_s=1.0,
        )
        store.make_durable(final=True)
    return store


def say(folder: Path, state: State, age_s: float) -> None:
    """
    Write a position file of some seconds ago.
    """
    with Store.open(folder / "model") as store:
        store.write_position(
            Position(state, "", 1, at(1), ClusterTime(1, 1), time.time() - age_s)
        )


def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A query that is none fails and keeps only what depends on it from being looked at;
    a variable that means nothing is a warning with the one that could be meant.
    """
    wrong = examine(NOWHERE, tmp_path, visible_when="{status")
    assert wrong["settings"].verdict is Verdict.FAIL
    assert "EVERSHELF_VISIBLE_WHEN" in wrong["settings"].found
    assert wrong["disk"].verdict is Verdict.OK

    monkeypatch.setenv("EVERSHELF_QUIETS", "1")
    strange = examine(NOWHERE, tmp_path)
    assert strange["settings"].verdict is Verdict.WARN
    assert "did you mean EVERSHELF_QUIET_S?" in strange["settings"].remedy


@pytest.mark.parametrize(
    ("free_mb", "verdict"),
    [(1_000, Verdict.OK), (250, Verdict.WARN), (120, Verdict.FAIL)],
)
def test_room(free_mb: int, verdict: Verdict) -> None:
    """
    Room for three models is ok, for less a warning, for none failure.
    """
    finding = judge_disk(Path("data"), free_mb * MB, 100 * MB)

    assert finding.verdict is verdict
    assert ("EVERSHELF_DATA_DIR" in finding.remedy) is (verdict is not Verdict.OK)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """
    A folder that this user cannot make fails.
    """
    (tmp_path / "file").touch()
    finding = look_at_disk(tmp_path / "file" / "model", 0)

    assert finding.verdict is Verdict.FAIL
    assert "cannot be written" in finding.found


def test_whole_model(store: Store, tmp_path: Path) -> None:
    """
    A model that is whole is described; that it is of other settings, or of another
    collection, is a warning.
    """
    other = examine(NOWHERE, tmp_path)["model"]
    assert other.verdict is Verdict.WARN
    assert "generation 1 of 3 products" in other.found
    assert "settings" in other.found
    elsewhere = examine(NOWHERE, tmp_path, collection="goods")["model"]
    assert elsewhere.verdict is Verdict.WARN
    assert "another collection" in elsewhere.found


@pytest.mark.parametrize("pointer", [CURRENT, DURABLE])
def test_damaged_manifest(store: Store, tmp_path: Path, pointer: str) -> None:
    """
    A manifest that is not what was written fails by name.
    """
    (tmp_path / "model" / pointer).write_bytes(b"{}")
    finding = examine(NOWHERE, tmp_path)["model"]

    assert finding.verdict is Verdict.FAIL
    assert pointer in finding.found
    assert "check the disk" in finding.remedy


def test_damaged_segment(store: Store, tmp_path: Path) -> None:
    """
    One wrong bit in a segment fails by the name of its file.
    """
    (path,) = (tmp_path / "model" / SEGMENTS).iterdir()
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    finding = examine(NOWHERE, tmp_path)["model"]

    assert finding.verdict is Verdict.FAIL
    assert "checksum" in finding.found


def test_later_format(store: Store, tmp_path: Path) -> None:
    """
    A store of a later Evershelf fails, and is told to upgrade.
    """
    path = tmp_path / "model" / CURRENT
    path.write_bytes(
        path.read_bytes().replace(b"manifest %d " % FORMAT, b"manifest 999 ", 1)
    )
    finding = examine(NOWHERE, tmp_path)["model"]

    assert finding.verdict is Verdict.FAIL
    assert "upgrade" in finding.remedy


def test_listener_that_was_stopped(tmp_path: Path) -> None:
    """
    After a stop all is well; after an end without one there is a warning.
    """
    say(tmp_path, State.STOPPING, 100)
    assert examine(NOWHERE, tmp_path)["listener"].verdict is Verdict.OK
    say(tmp_path, State.FOLLOWING, 100)
    crashed = examine(NOWHERE, tmp_path)["listener"]
    assert crashed.verdict is Verdict.WARN
    assert "ended while following" in crashed.found


def test_listener_that_holds_and_is_mute(tmp_path: Path) -> None:
    """
    Who holds the store and has not renewed its position for seconds hangs; who renews
    it, but is not behind the port, has other settings.
    """
    say(tmp_path, State.FOLLOWING, 60)
    with Store.open(tmp_path / "model"):
        hung = examine(NOWHERE, tmp_path)["listener"]
    say(tmp_path, State.FOLLOWING, 0)
    with Store.open(tmp_path / "model"):
        mute = examine(NOWHERE, tmp_path)["listener"]

    assert hung.verdict is Verdict.FAIL
    assert "said nothing for 6" in hung.found
    assert mute.verdict is Verdict.FAIL
    assert "EVERSHELF_CONTROL_PORT" in mute.remedy


def test_asking_does_not_hold(tmp_path: Path) -> None:
    """
    Whoever asks leaves the store free, and makes none where there is none.
    """
    reader = StoreReader(tmp_path / "model")
    assert not reader.is_held()
    assert not reader.folder.exists()
    with Store.open(tmp_path / "model"):
        assert reader.is_held()
    assert not reader.is_held()
    Store.open(tmp_path / "model").close()


def test_listener_that_runs(
    mongo_uri: str, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """
    A running listener is well; its port is taken for one of another store; a key it
    does not take is said; when its database is gone there is a warning.
    """
    database["products"].insert_many([make_document(number) for number in range(9)])
    uri = to_uri(mongo_uri, database.name)
    keys = {"EVERSHELF_ADMIN_KEYS": "right"}
    with running(tmp_path / "data", uri, keys) as pair:
        port = pair.control_port
        well = examine(uri, tmp_path / "data", control_port=port, admin_keys="right")
        wrong = examine(uri, tmp_path / "data", control_port=port, admin_keys="other")
        second = examine(uri, tmp_path / "second", control_port=port)
        hang(pair)
        hung = examine(uri, tmp_path / "data", control_port=port, admin_keys="right")
        pair.listener.resume()

    assert {finding.verdict for finding in well.values()} == {Verdict.OK}
    assert "it is following" in well["listener"].found
    assert "generation 1 of 9 products" in well["model"].found
    assert wrong["listener"].verdict is Verdict.FAIL
    assert "EVERSHELF_ADMIN_KEYS" in wrong["listener"].remedy
    assert second["listener"].verdict is Verdict.FAIL
    assert "is taken" in second["listener"].found
    assert hung["listener"].verdict is Verdict.FAIL
    assert "SIGKILL" in hung["listener"].remedy


def hang(pair: Pair) -> None:
    """
    Let the listener hang until its position file is old.
    """
    pair.listener.suspend()
    path = pair.data_dir / "model" / POSITION
    wait_for(lambda: time.time() - path.stat().st_mtime > 6)
