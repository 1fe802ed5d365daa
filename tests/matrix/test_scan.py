"""
Writes during a scan, with the scan held where it hurts.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from listener.mongo.source import SCAN_BATCH
from tests.support.matrix import Scene, wait_until_current
from tests.support.shop import make_document
from tests.support.stage import Stage
from tests.support.waiting import wait_for


FIRST: Final = 1_000  # numbers of the products that fill several batches of a scan
LAST: Final = FIRST + 2 * SCAN_BATCH


@contextmanager
def scan_held(stage: Stage, scene: Scene) -> Iterator[None]:
    """
    Hold a scan, for as long as the context lasts, between its first batch, which has
    the stock and the lower numbers, and its second, which has the higher ones.
    """
    scene.collection.insert_many(map(make_document, range(FIRST, LAST)))
    wait_until_current(stage.pair, scene.collection)
    with ThreadPoolExecutor(1) as pool:
        with stage.cursors_held():
            asked = pool.submit(stage.pair.control, "/train?full=1", method="POST")
            wait_for(lambda: is_scanning(stage), what="a held scan")
            yield
            assert is_scanning(stage), "the scan went on too soon"
        answer = asked.result()
        assert answer.status == 200, answer.body


def is_scanning(stage: Stage) -> bool:
    """
    Whether the listener waits for another batch of a scan, and not of its stream.
    """
    operations: Any = stage.client.admin.aggregate(
        [
            {"$currentOp": {}},
            {
                "$match": {
                    "command.getMore": {"$exists": True},
                    "command.batchSize": SCAN_BATCH,
                }
            },
        ]
    )
    return any("maxTimeMS" not in operation["command"] for operation in operations)


def test_row_12_writes_during_a_scan(stage: Stage, scene: Scene) -> None:
    """
    Nothing that is written between the first read of a scan and its last is lost: what
    the scan has passed, what is still before it, and what is new.
    """
    products = scene.collection
    with scan_held(stage, scene):
        for number in (20, LAST - 1):
            id_ = make_document(number)["_id"]
            products.update_one({"_id": id_}, {"$set": {"name": "copper lamp"}})
        for number in (21, LAST - 2):
            products.delete_one({"_id": make_document(number)["_id"]})
        products.insert_many(map(make_document, range(500, 510)))
    scene.assert_recovered()
    assert len(scene.logs("rebuild.started", reason="requested")) == 1


def test_row_13_scan_brings_nothing_back(stage: Stage, scene: Scene) -> None:
    """
    What was deleted or changed after the scan had read it is not brought back by what
    the scan has read, not even for a moment.
    """
    products = scene.collection
    gone, changed = "kettle-20", "lamp-21"
    with scan_held(stage, scene):
        products.delete_one({"_id": gone})
        products.update_one({"_id": changed}, {"$set": {"price": 77.0}})
        products.delete_one({"_id": "jacket-22"})
        products.insert_one(make_document(22, price=78.0))
        products.update_one({"_id": "tent-23"}, {"$set": {"status": "rejected"}})
        products.delete_one({"_id": "tent-23"})
    published = scene.wait_for_log("model.published", cause="rebuild")["generation"]
    wait_for(lambda: scene.visitor.look_again().generation >= published)
    assert stage.pair.get(f"/v1/products/{gone}").status == 404
    assert stage.pair.get("/v1/products/tent-23").status == 404
    assert price_of(stage, changed) == 77.0
    assert price_of(stage, "jacket-22") == 78.0
    scene.assert_recovered()


def price_of(stage: Stage, product_id: str) -> float:
    item = stage.pair.get(f"/v1/products/{product_id}").json["items"][0]
    return float(item["product"]["price"])
