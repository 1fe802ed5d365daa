"""
Documents that are many, or make no sense.
"""

from __future__ import annotations

import os

from typing import Any, Final

from listener.complaints import MOST_LINES
from tests.support.documents import OddShop
from tests.support.matrix import Scene, wait_until_current
from tests.support.shop import make_document
from tests.support.stage import STOCK, Stage


# As many as the shared machines of CI bear; sixty thousand are asked for by hand.
BURST: Final = int(os.environ.get("EVERSHELF_TEST_BURST", "20000"))
FIRST: Final = 100_000
ODD: Final = 400
# Where the odd values are put, one set of fields after the other.
FIELDS: Final = (
    {"a": "name", "b": "price", "c": "category"},
    {"a": "tags", "b": "stock", "c": "brand"},
    {"a": "description", "b": "status", "c": "image"},
    {"a": "createdAt", "b": "rating", "c": "price"},
)


def test_row_27_burst_of_deletes(stage: Stage, scene: Scene) -> None:
    """
    A bulk import, and then the deletion of all of it in one command, are followed;
    visitors notice nothing, and hardly more lines are logged than publications are due.
    """
    documents = (make_document(i, bulk=True) for i in range(FIRST, FIRST + BURST))
    scene.collection.insert_many(documents, ordered=False)
    wait_until_current(stage.pair, scene.collection)
    assert stage.pair.get("/v1/model").json["products"] == STOCK + BURST

    assert scene.collection.delete_many({"bulk": True}).deleted_count == BURST
    scene.assert_recovered()
    assert stage.pair.get("/v1/model").json["products"] == STOCK
    published = scene.logs("model.published")
    assert sum(line["deleted"] for line in published) == BURST


def test_row_28_poison_documents(stage: Stage, scene: Scene) -> None:
    """
    Documents of any shape neither stop the listener nor each other; what cannot be used
    of them is said with the product's id, at most twenty lines a minute.
    """
    shop = OddShop(28)
    scene.collection.insert_many(make_odd(shop, number) for number in range(ODD))
    scene.collection.insert_one(make_document(500))
    scene.wait_for_log("product.incomplete")
    scene.assert_recovered(most_lines={"product.incomplete": MOST_LINES})
    assert stage.pair.get("/v1/products/kettle-500/similar").status == 200
    assert stage.pair.get("/v1/model").json["products"] == STOCK + ODD + 1
    for line in scene.logs("product.incomplete"):
        assert line["product_id"]
        assert line["problems"]


def make_odd(shop: OddShop, number: int) -> dict[str, Any]:
    """
    Return a document whose fields hold anything.
    """
    names = {"_id": "_id", **FIELDS[number % len(FIELDS)]}
    return {names[key]: value for key, value in shop.document(number).items()}
