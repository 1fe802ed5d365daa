"""
Stops, crashes and outages: nothing that was written is lost.
"""

from __future__ import annotations

import random
import time

from pathlib import Path
from typing import Any

from pymongo.collection import Collection

from tests.support.oplog import roll_oplog
from tests.support.own_shop import own_shop
from tests.support.processes import Pair
from tests.support.shop import Seller, make_document, selling
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]


def test_stops_when_asked(shop: Pair) -> None:
    """
    SIGTERM ends both within a few seconds, with exit code 0.
    """
    started = time.monotonic()
    assert shop.listener.stop() == 0
    assert shop.server.stop() == 0
    assert time.monotonic() - started < 5
    assert shop.listener.logs("listener.stopped")


def test_goes_on_where_it_was(shop: Pair, collection: Products) -> None:
    """
    What was written while the listener was down is in after it returns, without
    reading the collection again.
    """
    shop.listener.stop()
    collection.insert_one(make_document(400))
    collection.delete_one({"_id": "kettle-0"})
    collection.update_one({"_id": "lamp-1"}, {"$set": {"status": "rejected"}})
    shop.listener.start()
    wait_for(lambda: shop.get("/v1/products/kettle-400/similar").status == 200)
    wait_for(lambda: shop.get("/v1/products/kettle-0/similar").status == 404)
    wait_for(lambda: "lamp-1" not in shop.similar("lamp-5"))
    assert len(shop.listener.logs("scan.started")) == 1
    shop.assert_equal()


def test_killed_at_random_points(shop: Pair, collection: Products) -> None:
    """
    Killed under writes again and again, it has each time what the collection holds,
    and answers never go back to an earlier generation.
    """
    chance = random.Random(8)
    seller = Seller(collection, seed=8)
    generations = [0]
    for starts in range(2, 6):
        with selling(seller):
            time.sleep(chance.uniform(0.05, 0.8))
            shop.listener.kill()
            shop.listener.start()
            generations.append(shop.get("/v1/model").json["generation"])
            wait_for(lambda n=starts: len(shop.listener.logs("listener.started")) == n)
        shop.assert_equal()
    assert seller.writes > 100
    assert generations == sorted(generations)


def test_server_restarts_alone(shop: Pair, collection: Products) -> None:
    """
    A server that is killed answers from the latest model as soon as it is back.
    """
    shop.server.kill()
    collection.insert_one(make_document(500))
    shop.listener.wait_for_log("model.published", products=59)
    shop.server.start()
    wait_for(lambda: shop.get("/health/ready").status == 200)
    assert "kettle-500" in shop.similar("kettle-0")


def test_database_goes_away_and_comes_back(tmp_path: Path) -> None:
    """
    While MongoDB is down answers go on, marked stale; when it is back the listener
    follows by itself, and what was written then shows.
    """
    with own_shop(tmp_path) as (mongod, shop, collection):
        mongod.kill()
        shop.listener.wait_for_log("listener.state", state="retrying")
        wait_for(lambda: shop.get("/v1/model").json["stale"])
        assert shop.similar("kettle-0")
        assert shop.get("/train", method="POST").status == 503
        mongod.start()
        returned = time.monotonic()
        collection.insert_one(make_document(600))
        wait_for(lambda: shop.get("/v1/products/kettle-600/similar").status == 200)
        assert time.monotonic() - returned < 10
        wait_for(lambda: not shop.get("/v1/model").json["stale"])
        shop.assert_equal()


def test_position_lost_while_down(tmp_path: Path) -> None:
    """
    When the oplog has rolled past the position, the model is rebuilt aside, while the
    last good one serves; deletes that nobody saw are in it.
    """
    with own_shop(tmp_path, oplog_mb=1, options=("--syncdelay=1",)) as (
        _,
        shop,
        collection,
    ):
        shop.listener.stop()
        collection.delete_one({"_id": "kettle-0"})
        roll_oplog(collection.database.client)
        assert shop.similar("kettle-4")
        shop.listener.start()
        shop.listener.wait_for_log("position.lost", reason="history_lost")
        shop.listener.wait_for_log("model.published", cause="rebuild", products=57)
        wait_for(lambda: "kettle-0" not in shop.similar("kettle-4"))
        shop.assert_equal()
