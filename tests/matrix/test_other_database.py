"""
Row 20: what answers at the address is not the database that was followed.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bson import Int64, Timestamp
from pymongo import MongoClient
from pymongo.client_session import ClientSession

from listener.demo.mongod import Mongod
from tests.support.copies import Copies
from tests.support.matrix import (
    Products,
    Scene,
    observed,
    verify,
    wait_until_current,
)
from tests.support.mongo import Standalone, make_mongod
from tests.support.processes import running, to_uri
from tests.support.shop import make_document
from tests.support.stage import REGULARS, SETTINGS, STOCK, Stage, on_stage, staged


HOUR_S = 3600
EARLIER = "earlier"


@pytest.fixture(name="own", scope="module")
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """
    A stage whose database's files are exchanged.
    """
    with staged(tmp_path_factory.mktemp("own")) as own:
        yield own


@pytest.fixture(name="scene")
def _scene(own: Stage) -> Iterator[Scene]:
    with on_stage(own) as scene:
        yield scene


@pytest.fixture(name="copies")
def _copies(own: Stage, scene: Scene, tmp_path: Path) -> Copies:
    """
    With a copy of the stock in it, and the pair beyond that.
    """
    copies = Copies(own.mongod, tmp_path)
    copies.take(EARLIER)
    change(scene.collection)
    wait_until_current(own.pair, scene.collection)
    return copies


def change(collection: Products) -> None:
    """
    Write what an earlier copy has not.
    """
    collection.insert_one(make_document(700))
    collection.update_one({"_id": "lamp-101"}, {"$set": {"price": 1.0}})
    collection.delete_one({"_id": "tent-99"})


def test_row_20_older_copy_is_put_back(
    own: Stage, scene: Scene, copies: Copies
) -> None:
    """
    The writes after the copy were never made: they leave the model, too, though a token
    from after them leads on without an error.
    """
    copies.put_back(EARLIER)
    scene.wait_for_log("position.lost", reason="history_changed")
    scene.assert_recovered()
    assert own.pair.get("/v1/products/kettle-700").status == 404


def test_row_20_older_copy_is_put_back_while_down(
    own: Stage, scene: Scene, copies: Copies
) -> None:
    """
    So do they when the listener was down meanwhile.
    """
    own.pair.listener.stop()
    copies.put_back(EARLIER)
    own.pair.listener.start()
    scene.wait_for_log("position.lost", reason="history_changed")
    scene.assert_recovered()
    assert own.pair.get("/v1/products/kettle-700").status == 404


@pytest.mark.usefixtures("copies")
def test_row_20_restart_is_no_other_history(own: Stage, scene: Scene) -> None:
    """
    The same database that was merely restarted is followed on.
    """
    own.mongod.kill()
    own.mongod.start()
    scene.collection.insert_one(make_document(704))
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def test_row_20_set_is_made_anew_of_the_same_data(tmp_path: Path) -> None:
    """
    A set whose oplog starts again, on data files that were changed meanwhile, takes any
    old token; the model is rebuilt all the same.
    """
    with staged(tmp_path) as own, observed(own.pair, own.collection, REGULARS) as scene:
        change(own.collection)
        wait_until_current(own.pair, own.collection)
        own.mongod.stop()
        forget_the_set(tmp_path / "mongod", own.mongod.port)
        own.mongod.start()
        scene.wait_for_log("position.lost", reason="history_changed")
        with products(own.mongod) as collection:
            replace(scene, collection=collection).assert_recovered()
        assert own.pair.get("/v1/products/jacket-102").status == 404


def test_row_20_another_cluster(tmp_path: Path) -> None:
    """
    Another cluster with another catalogue of the same name is a collection that was
    replaced. Its elections count from one again, which no driver forgives.
    """
    with staged(tmp_path) as own, observed(own.pair, own.collection, REGULARS) as scene:
        own.mongod.stop()
        own.mongod.start()  # the first cluster's second election
        wait_until_current(own.pair, own.collection)
        with own.pair.listener.suspended():
            own.mongod.stop()
            Copies(own.mongod, tmp_path).remove_all()
            own.mongod.start()
            with products(own.mongod) as collection:
                collection.insert_many(map(make_document, range(STOCK - 10)))
        scene.wait_for_log("position.lost", reason="collection_replaced")
        with products(own.mongod) as collection:
            replace(scene, collection=collection).assert_recovered()


@contextmanager
def products(mongod: Mongod) -> Iterator[Products]:
    """
    Yield the collection, by a client that knows of no earlier election.
    """
    with MongoClient[dict[str, Any]](mongod.uri) as client:
        yield client["shop"]["products"]


def forget_the_set(folder: Path, port: int) -> None:
    """
    Let a stopped mongod know of no replica set any more, and take a product away.
    """
    alone = make_mongod(folder, port=port, kind=Standalone, is_alone=False)
    with alone, MongoClient[dict[str, Any]]("127.0.0.1", port) as client:
        client.drop_database("local")
        client["shop"]["products"].delete_one({"_id": "jacket-102"})


def test_row_20_position_in_the_future(tmp_path: Path) -> None:
    """
    An older copy of a database whose clock was far ahead has no such time yet. Answers
    go on all the time; afterwards they say the database's own, earlier time.
    """
    with make_mongod(tmp_path / "mongod") as mongod:
        copies = Copies(mongod, tmp_path)
        with MongoClient[dict[str, Any]](mongod.uri) as client:
            client["shop"]["products"].insert_many(map(make_document, range(STOCK)))
        copies.take(EARLIER)
        uri = to_uri(mongod.uri, "shop")
        with running(tmp_path / "data", uri, SETTINGS) as pair:
            with MongoClient[dict[str, Any]](mongod.uri) as client:
                write_in_an_hour(client, make_document(700))
            pair.listener.wait_for_log("model.published", products=STOCK + 1)
            pair.listener.stop()
            copies.put_back(EARLIER)
            pair.listener.start()
            pair.listener.wait_for_log("position.lost", reason="position_in_future")
            assert pair.similar("kettle-0")
            # Only now: a driver tells each server the latest time that it has heard.
            with MongoClient[dict[str, Any]](mongod.uri) as client:
                wait_until_current(pair, client["shop"]["products"])
            assert verify(pair).is_equal
            assert pair.get("/v1/products/kettle-700").status == 404
            assert pair.similar("kettle-0")


def write_in_an_hour(
    client: MongoClient[dict[str, Any]], document: dict[str, Any]
) -> None:
    """
    Let the database's logical clock be an hour ahead, and write then.
    """
    later = Timestamp(int(time.time()) + HOUR_S, 1)
    signature = {"hash": b"\0" * 20, "keyId": Int64(0)}
    with client.start_session() as session:
        session.advance_cluster_time({"clusterTime": later, "signature": signature})
        client["shop"]["products"].insert_one(document, session=session)
        assert_later(session, later)


def assert_later(session: ClientSession, time_: Timestamp) -> None:
    assert session.operation_time is not None
    assert session.operation_time >= time_
