"""
What the doctor says of the orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bson import ObjectId, Regex
from pymongo.database import Database

from listener.doctor.finding import Finding, Verdict
from tests.support.examined import examine, not_checked, verdicts
from tests.support.ordering import make_order_document
from tests.support.processes import to_uri
from tests.support.shop import make_document


Shop = Database[dict[str, Any]]
IDS = [make_document(number)["_id"] for number in range(30)]


@pytest.fixture(name="shop")
def _shop(database: Shop) -> Shop:
    database["products"].insert_many([make_document(number) for number in range(30)])
    return database


@pytest.fixture(name="look")
def _look(shop: Shop, mongo_uri: str, tmp_path: Path) -> Any:
    def look(**settings: Any) -> Mapping[str, Finding]:
        uri = to_uri(mongo_uri, shop.name)
        return examine(uri, tmp_path, **{"orders_collection": "orders", **settings})

    return look


def put(shop: Shop, *products: object, count: int = 10, **values: Any) -> None:
    shop["orders"].insert_many(
        [make_order_document(number, *products, **values) for number in range(count)]
    )


def test_all_is_well(shop: Shop, look: Any) -> None:
    """
    What was found is said in numbers; who has no orders is told nothing of them.
    """
    put(shop, *IDS[:3])

    findings = look()

    assert set(verdicts(findings).values()) == {Verdict.OK}
    assert findings["orders"].found == f"{shop.name}.orders, about 10 documents"
    assert findings["bought"].found == (
        "100% of 10 sampled orders count; 100% of the 3 ids in them are ids of products"
    )
    assert {"orders", "bought"}.isdisjoint(look(orders_collection=""))


def test_nothing_of_a_customer_is_read(shop: Shop, look: Any) -> None:
    """
    The sample has what the settings name, and no more.
    """
    put(shop, *IDS[:3])
    shop.command("profile", 2)
    try:
        look()
    finally:
        shop.command("profile", 0)
    asked = [
        one["command"]
        for one in shop["system.profile"].find({"ns": f"{shop.name}.orders"})
        if "pipeline" in one.get("command", {})
    ]
    samples = [one for one in asked if "$sample" in one["pipeline"][0]]
    assert samples
    for one in samples:
        assert one["pipeline"][1]["$project"].keys() == {
            "_id", "createdAt", "items.product", "items.quantity", "status",
        }  # fmt: skip


def test_an_absent_collection_is_a_warning(look: Any) -> None:
    """
    It is followed as soon as it is there, and until then there is nothing to look at.
    """
    findings = look()

    assert findings["orders"].verdict is Verdict.WARN
    assert "EVERSHELF_ORDERS_COLLECTION" in findings["orders"].remedy
    assert findings["bought"].verdict is Verdict.WARN
    assert "no order" in findings["bought"].found


@pytest.mark.parametrize(
    "options",
    [{"viewOn": "sales", "pipeline": []}, {"timeseries": {"timeField": "at"}}],
    ids=["view", "time series"],
)
def test_what_cannot_be_followed_fails(
    shop: Shop, look: Any, options: dict[str, Any]
) -> None:
    """
    And the products are looked at all the same.
    """
    shop.create_collection("orders", **options)

    findings = look()

    assert findings["orders"].verdict is Verdict.FAIL
    assert "has no change stream" in findings["orders"].found
    assert not_checked(findings) == {"bought"}
    assert findings["stream"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("products", "settings", "found", "remedy"),
    [
        (IDS[:2], {"orders_when": '{"paid": true}'}, "counts", "ORDERS_WHEN"),
        (
            IDS[:2],
            {"orders_items": "lines[].product", "orders_quantity": ""},
            "has a product",
            "ORDERS_ITEMS=lines[].product",
        ),
        ([str(ObjectId()), Regex("kettle")], {}, "0% of the ids", "ObjectId"),
        ([IDS[0], "gone", "lost", "sold"], {}, "25% of the ids", "ObjectId"),
    ],
    ids=["none counts", "no lines", "other ids", "few ids"],
)
def test_orders_of_which_nothing_is_learnt(
    shop: Shop,
    look: Any,
    products: list[object],
    settings: dict[str, str],
    found: str,
    remedy: str,
) -> None:
    """
    Each of the reasons is a warning that names the setting.
    """
    put(shop, *products)

    finding = look(**settings)["bought"]

    assert finding.verdict is Verdict.WARN
    assert found in finding.found
    assert remedy in finding.remedy


def test_products_that_are_gone_are_none_to_worry_about(shop: Shop, look: Any) -> None:
    """
    As long as most are there.
    """
    put(shop, *IDS[:3], "gone")

    finding = look()["bought"]

    assert finding.verdict is Verdict.OK
    assert "75% of the 4 ids" in finding.found


def test_settings_of_the_orders_that_cannot_be_right(shop: Shop, look: Any) -> None:
    """
    They are said where all settings are, and the rest is looked at.
    """
    put(shop, *IDS[:3])

    findings = look(orders_items="items.product")

    assert findings["settings"].verdict is Verdict.FAIL
    assert "EVERSHELF_ORDERS_ITEMS" in findings["settings"].found
    assert not_checked(findings) >= {"orders", "bought"}
    assert findings["stream"].verdict is Verdict.OK
