"""
`run_listener.py resync`, with a listener and without.
"""

from __future__ import annotations

import os
import pty
import time

from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from recommender.store import StoreReader
from tests.support.mongo import make_mongod
from tests.support.processes import ROOT, Pair, Process, make_pair, running, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]


def test_the_running_listener_does_it(shop: Pair) -> None:
    """
    A running listener trains from scratch and publishes; answers go on, and resync
    ends with what was published.
    """
    before = shop.get("/v1/model").json["generation"]
    code, resync = shop.run("resync")

    assert code == 0, resync.text
    (done,) = resync.logs("resync.done")
    assert done["by"] == "the running listener"
    assert (done["products"], done["generation"] > before) == (58, True)
    assert shop.listener.logs("rebuild.started", reason="requested")
    wait_for(lambda: shop.get("/v1/model").json["generation"] >= done["generation"])
    shop.assert_equal()


def test_with_a_key(
    tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    Where admin keys are set, resync shows one.
    """
    collection.insert_one(make_document(1))
    uri = to_uri(mongo_uri, collection.database.name)
    with running(tmp_path / "data", uri, {"EVERSHELF_ADMIN_KEYS": "open,sesame"}) as pair:
        code, resync = pair.run("resync")
        wrong = pair.run("resync", "--admin-keys=other")

    assert code == 0, resync.text
    assert wrong[0] == 3
    (failed,) = wrong[1].logs("listener.failed")
    assert "key" in failed["error"]


def test_this_process_does_it(
    tmp_path: Path, mongo_uri: str, collection: Products
) -> None:
    """
    Without a listener this process trains the first model, and later another one,
    leaves them durable, and lets go of the store.
    """
    collection.insert_many([make_document(number) for number in range(20)])
    uri = to_uri(mongo_uri, collection.database.name)
    with make_pair(tmp_path / "data", uri) as pair:
        generations = []
        for _ in range(2):
            code, resync = pair.run("resync")
            assert code == 0, resync.text
            (done,) = resync.logs("resync.done", by="this process", products=20)
            generations.append(done["generation"])
            assert len(resync.logs("scan.started")) == 1
        assert generations[0] < generations[1]
        pair.assert_equal()
        reader = StoreReader(pair.data_dir / "model")
        assert reader.read_pointer("durable.json").generation == generations[1]
        assert not reader.is_held()

        pair.listener.start()
        pair.listener.wait_for_log("listener.state", state="following")
        assert not pair.listener.logs("scan.started"), "it goes on where resync was"


def test_unreachable_database(tmp_path: Path) -> None:
    """
    While the database does not answer the listener that was asked says so, and resync
    ends when it could be done.
    """
    with (
        make_mongod(tmp_path / "db") as mongod,
        MongoClient[dict[str, Any]](mongod.uri) as client,
    ):
        client["shop"]["products"].insert_one(make_document(1))
        with running(tmp_path / "data", to_uri(mongod.uri, "shop")) as pair:
            mongod.kill()
            pair.listener.wait_for_log("listener.state", state="retrying")
            resync = pair.make("resync")
            resync.start()
            line = resync.wait_for_log("resync.waiting")
            assert (line["state"], line["reason"]) == ("retrying", "unreachable")
            mongod.start()
            assert resync.wait(60) == 0, resync.text
            assert resync.logs("resync.done")


def test_stopping(tmp_path: Path) -> None:
    """
    Asked to stop, resync ends with code 130, and the listener goes on with it; when the
    listener dies, resync ends with code 3.
    """
    with (
        make_mongod(tmp_path / "db") as mongod,
        MongoClient[dict[str, Any]](mongod.uri) as client,
    ):
        client["shop"]["products"].insert_one(make_document(1))
        with running(tmp_path / "data", to_uri(mongod.uri, "shop")) as pair:
            mongod.kill()
            resync, other = pair.make("resync"), pair.make("resync")
            for process in (resync, other):
                process.start()
            for process in (resync, other):
                process.wait_for_log("resync.waiting")
            assert resync.stop() == 130
            (line,) = resync.logs("resync.stopped")
            assert line["goes_on"] is True
            pair.listener.kill()
            assert other.wait(30) == 3
            assert other.logs("listener.failed")


def test_a_bar_on_a_terminal(shop: Pair, collection: Products) -> None:
    """
    On a terminal there is a bar.
    """
    collection.insert_many([make_document(number) for number in range(100, 6_000)])
    wait_for(lambda: shop.get("/v1/model").json["products"] == 5_958)
    ours, theirs = pty.openpty()
    code, text = on_terminal(shop.make("resync"), ours, theirs)

    assert code == 0, text
    assert "resync" in text
    assert "/5958" in text


def on_terminal(process: Process, ours: int, theirs: int) -> tuple[int, str]:
    """
    Run a process whose standard error is a terminal; return its code and what it said
    there.
    """
    raise NotImplementedError
