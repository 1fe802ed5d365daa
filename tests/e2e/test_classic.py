"""
The classic acceptance: a seller, an admin and a shop of 58 products.
"""

from __future__ import annotations

import threading

from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from tests.support.processes import Pair
from tests.support.shop import make_document
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]


def test_life_of_a_product(shop: Pair, collection: Products) -> None:
    """
    Created, edited, approved, repriced and deleted: each write shows by itself.
    """
    new = make_document(58, _id="new", name="steel jacket", status="pending")
    collection.insert_one(new)
    line = shop.listener.wait_for_log("model.published", products=59)
    assert (line["inserted"], line["visible"]) == (1, 58)
    wait_for(lambda: shop.get("/v1/model").json["products"] == 59)
    assert shop.get("/v1/products/new/similar").status == 404
    assert "new" not in shop.similar("jacket-2")

    collection.update_one({"_id": "new"}, {"$set": {"name": "copper kettle"}})
    shop.listener.wait_for_log("model.published", updated=1)
    assert "new" not in shop.similar("kettle-0")

    collection.update_one({"_id": "new"}, {"$set": {"status": "approved"}})
    wait_for(lambda: "new" in shop.similar("kettle-0"))
    assert shop.get("/v1/model").json["visible"] == 59

    collection.update_one({"_id": "new"}, {"$set": {"price": 3.5}})
    wait_for(lambda: "new" in shop.similar("kettle-0", "max_price=4"))
    item = shop.get("/v1/products/kettle-0/similar?max_price=4").json["items"][0]
    assert item["product"]["price"] == 3.5

    collection.update_one({"_id": "new"}, {"$set": {"status": "rejected"}})
    wait_for(lambda: "new" not in shop.similar("kettle-0"))

    collection.delete_one({"_id": "new"})
    shop.listener.wait_for_log("model.published", products=58, deleted=1)
    wait_for(lambda: shop.get("/").json["products_count"] == 58)
    shop.assert_equal()


def test_hiding_is_as_quick_as_showing(shop: Pair, collection: Products) -> None:
    """
    Approving, un-approving and stock show in both directions, any number of times.
    """
    for _ in range(3):
        collection.update_one({"_id": "lamp-1"}, {"$set": {"status": "pending"}})
        wait_for(lambda: "lamp-1" not in shop.similar("lamp-5"))
        collection.update_one({"_id": "lamp-1"}, {"$set": {"status": "approved"}})
        wait_for(lambda: "lamp-1" in shop.similar("lamp-5"))
        collection.update_one({"_id": "lamp-1"}, {"$set": {"stock": 0}})
        wait_for(lambda: "lamp-1" not in shop.similar("lamp-5", "in_stock=true"))
        collection.update_one({"_id": "lamp-1"}, {"$set": {"stock": 2}})
        wait_for(lambda: "lamp-1" in shop.similar("lamp-5", "in_stock=true"))


def test_every_kind_of_write_counts(
    shop: Pair, collection: Products, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    """
    Bulk writes, replacements, `update_many`, `delete_many` and transactions all show.
    """
    collection.insert_many([make_document(i) for i in range(100, 140)])
    wait_for(lambda: shop.get("/v1/model").json["products"] == 98)
    collection.replace_one({"_id": "tent-3"}, make_document(3, price=1.0))
    collection.update_many({"category": "lamps"}, {"$inc": {"price": 1}})
    collection.delete_many({"price": {"$gt": 120}})
    with mongo_client.start_session() as session, session.start_transaction():
        collection.insert_one(make_document(200), session=session)
        collection.delete_one({"_id": "kettle-0"}, session=session)
    wait_for(lambda: shop.get("/v1/products/kettle-200/similar").status == 200)
    expected = collection.count_documents({})
    wait_for(lambda: shop.get("/v1/model").json["products"] == expected)
    assert shop.get("/v1/products/kettle-0/similar").status == 404
    shop.assert_equal()


def test_train_waits_for_what_was_written(shop: Pair, collection: Products) -> None:
    """
    A backend that still calls `POST /train` gets its own write in the next answer,
    the count, and a message; many at once share the wait.
    """
    collection.insert_one(make_document(300))
    answers = []

    def train() -> None:
        answers.append(shop.get("/train", method="POST"))

    threads = [threading.Thread(target=train) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status for answer in answers] == [200] * 8
    assert {answer.json["products_count"] for answer in answers} == {59}
    assert all(answer.json["message"] for answer in answers)
    assert "kettle-300" in shop.similar("kettle-0")


def test_full_train_swaps_in_a_new_model(shop: Pair, collection: Products) -> None:
    """
    `full=1` trains from scratch aside; answers never stop meanwhile.
    """
    before = shop.get("/v1/model").json["generation"]
    assert shop.get("/train?full=1", method="POST").status == 200
    assert shop.listener.logs("model.published", cause="rebuild")
    assert shop.get("/v1/model").json["generation"] > before
    assert shop.similar("kettle-0")
    shop.assert_equal()


def test_answers_prove_their_freshness(shop: Pair, collection: Products) -> None:
    """
    Every answer says which generation it is from and that it is not stale.
    """
    answer = shop.get("/v1/products/kettle-0/similar")
    model = answer.json["model"]
    assert model["stale"] is False
    assert answer.headers["Evershelf-Generation"] == str(model["generation"])

    shop.listener.kill()
    wait_for(lambda: shop.get("/v1/model").json["stale"])
    again = shop.get("/v1/products/kettle-0/similar")
    assert again.json["model"]["reason"]
    assert again.ids == answer.ids


def test_the_listener_says_what_its_sweep_has_done(shop: Pair) -> None:
    """
    The first pass is over within seconds; its counts are in the listener's own `GET /`.
    """
    line = shop.listener.wait_for_log("sweep.done")

    assert (line["checked"], line["repaired"]) == (58, 0)
    assert shop.control("/").json["sweep"] == {
        "passes": 1, "checked": 58, "unsettled": 0, "repaired": 0,
    }  # fmt: skip
