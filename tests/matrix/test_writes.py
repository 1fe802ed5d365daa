"""
Writes of every kind, in any order, while all is well.
"""

from __future__ import annotations

import threading

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pymongo import ReplaceOne, UpdateOne

from listener.mongo.tokens import to_cluster_time
from recommender.position import ClusterTime
from tests.support.ids import IDS, UUIDS
from tests.support.matrix import Products, Scene
from tests.support.shop import make_document
from tests.support.stage import Stage, on_stage
from tests.support.visitor import Visit


MANY: Final = 2_400  # more than one reply of the stream holds
REGULAR: Final = {"category": "kettles"}


def test_row_14_ids_of_every_type(stage: Stage, scene: Scene) -> None:
    """
    Whatever the types of their ids, no product is missed by a scan, by an event, or
    when it is deleted.
    """
    products = scene.collection.with_options(UUIDS)
    products.insert_many(make_document(i, _id=id_) for i, id_ in enumerate(IDS))
    scene.assert_recovered()
    assert stage.pair.control("/train?full=1", method="POST").status == 200
    scene.assert_recovered()
    for id_ in IDS[::2]:
        products.update_one({"_id": id_}, {"$set": {"name": "steel kettle"}})
    for id_ in IDS[1::2]:
        assert products.delete_one({"_id": id_}).deleted_count == 1
    scene.assert_recovered()


def test_row_16_update_then_delete(stage: Stage, scene: Scene) -> None:
    """
    What is changed and deleted at once, again and again, by several, ends as the
    database has it; nobody asks the stream for what a document was.
    """

    def write(first: int) -> None:
        for number in range(first, first + 60):
            id_ = make_document(number)["_id"]
            scene.collection.insert_one(make_document(number))
            scene.collection.update_one({"_id": id_}, {"$set": {"price": 1.0}})
            scene.collection.delete_one({"_id": id_})
            if number % 3 == 0:
                scene.collection.insert_one(make_document(number, name="back again"))

    writers = [threading.Thread(target=write, args=[500 + 60 * i]) for i in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    scene.assert_recovered()
    assert stage.pair.get("/v1/model").json["products"] == 120 + 60


def test_row_17_replacements_and_what_is_no_write(scene: Scene) -> None:
    """
    Replacements count like updates; what is done to the collection but not to its
    products, such as a new index, changes nothing and stops nothing.
    """
    products = scene.collection
    products.create_index("price")
    products.replace_one({"_id": "tent-99"}, make_document(99, name="copper kettle"))
    products.find_one_and_replace({"_id": "tent-95"}, make_document(95, price=1.0))
    products.database.command(
        "collMod", "products", changeStreamPreAndPostImages={"enabled": True}
    )
    products.bulk_write(
        [
            ReplaceOne({"_id": "kettle-500"}, make_document(500), upsert=True),
            UpdateOne({"_id": "tent-91"}, {"$unset": {"price": ""}}),
            UpdateOne({"_id": "kettle-504"}, {"$set": {"name": "pot"}}, upsert=True),
        ]
    )
    products.database["unrelated"].insert_one({"name": "no product"})
    products.database["unrelated"].drop()
    products.drop_index("price_1")
    products.database.command(
        "collMod", "products", changeStreamPreAndPostImages={"enabled": False}
    )
    scene.assert_recovered()
    assert not scene.states


def test_row_17_transactions_are_whole(stage: Stage) -> None:
    """
    An answer that claims the time of a transaction has all of it, be it small or so
    large that the stream tells of it in several replies; one that is aborted never
    shows.
    """
    with on_stage(stage, "limit=100") as scene:
        scene.collection.insert_many(
            make_document(i) for i in range(1_000, 1_000 + MANY)
        )
        commits = [reprice(scene.collection, 1_000.0, {})]
        for price in range(1_001, 1_006):
            reprice(scene.collection, -1.0, {}, is_aborted=True)
            commits.append(reprice(scene.collection, float(price), {}))
            commits.append(reprice(scene.collection, price + 0.5, REGULAR))
        scene.assert_recovered()
        checked = sum(is_whole(visit, commits) for visit in scene.visitor.visits)
    assert checked > len(commits)


Commit = tuple[ClusterTime, float, Mapping[str, Any]]


def reprice(
    products: Products,
    price: float,
    which: Mapping[str, Any],
    *,
    is_aborted: bool = False,
) -> Commit:
    """
    Give products another price in one transaction; return when, and which.
    """
    with products.database.client.start_session() as session:
        session.start_transaction()
        products.update_many(which, {"$set": {"price": price}}, session=session)
        if is_aborted:
            session.abort_transaction()
        else:
            session.commit_transaction()
        assert session.operation_time is not None
        return to_cluster_time(session.operation_time), price, which


def is_whole(visit: Visit, commits: Iterable[Commit]) -> bool:
    """
    Fail if an answer lacks a part of a transaction whose time it claims; return whether
    it claims any.
    """
    category = f"{visit.product_id.split('-')[0]}s"
    prices = [item["product"]["price"] for item in visit.items]
    assert -1.0 not in prices
    assert visit.as_of is not None
    claimed = [
        price
        for time, price, which in commits
        if time <= visit.as_of and which.get("category", category) == category
    ]
    if claimed:
        assert min(prices) >= max(claimed), (visit.as_of, claimed[-1], sorted(prices))
    return bool(claimed)
