"""
Of an order only what counts is read, and becomes a row.
"""

from __future__ import annotations

import math

from datetime import UTC, datetime
from typing import Any

import pytest

from bson import DBRef, ObjectId

from listener.keys import to_key
from listener.orders import MOST_PRODUCTS, OrderMapper, orders_fingerprint
from recommender.errors import SettingsFault
from recommender.order import Order, to_row
from recommender.product import Product
from recommender.settings import ListenerSettings
from tests.support.documents import make_settings
from tests.support.ordering import make_order_document


TEA, POT = ObjectId("64b000000000000000000001"), "pot"


def row_of(document: dict[str, Any], **settings: Any) -> Product:
    return OrderMapper(make_settings(**settings)).to_row(document)


def make_row(*products: object, counts: bool = True, **values: Any) -> Product:
    keys = frozenset(map(to_key, products))
    return to_row(Order(to_key("o"), keys, counts, **values))


def test_an_ordinary_order_is_its_products_and_its_date() -> None:
    """
    However many of each were bought; nothing else makes a difference.
    """
    noon = datetime(2026, 11, 28, 12, tzinfo=UTC)
    document = make_order_document("o", TEA, POT, POT, createdAt=noon)
    assert row_of(document) == make_row(TEA, POT, created_s=noon.timestamp())
    other = document | {"customer": None, "address": "elsewhere"}
    assert row_of(other) == row_of(document)


@pytest.mark.parametrize("status", ["cancelled", "Canceled", "refunded", "returned"])
def test_a_cancelled_order_does_not_count(status: str) -> None:
    """
    It has no terms any more, and so is in no count.
    """
    document = make_order_document("o", TEA, POT, status=status)
    assert row_of(document) == make_row(counts=False)


def test_the_operator_says_which_orders_count() -> None:
    """
    By a query over any fields of theirs.
    """
    paid = {"orders_when": '{"payment.state": "paid"}'}
    document = make_order_document("o", TEA, POT)
    assert not row_of(document, **paid).visible
    assert row_of(document | {"payment": {"state": "paid"}}, **paid).visible


@pytest.mark.parametrize("quantity", [0, -3, "0", None, 2, "many"])
def test_a_line_of_which_nothing_was_bought_is_left_out(quantity: object) -> None:
    """
    Sent back, or corrected to nothing; one that does not say was bought.
    """
    document = make_order_document("o", TEA)
    document["items"].append({"product": POT, "quantity": quantity})
    bought = (TEA,) if quantity in {0, -3, "0"} else (TEA, POT)
    assert row_of(document) == make_row(*bought)


@pytest.mark.parametrize(
    ("settings", "document"),
    [
        ({"orders_items": "orderItems[].product"}, {"orderItems": [{"product": TEA}]}),
        ({"orders_items": "lines[].variant.of"}, {"lines": [{"variant": {"of": TEA}}]}),
        ({"orders_items": "cart.ids[]"}, {"cart": {"ids": [TEA]}}),
        ({}, {"items": [{"product": {"_id": TEA, "name": "Tea"}}]}),
        ({}, {"items": [{"product": [TEA]}]}),
        ({}, {"items": {"product": TEA}}),
        ({}, {"items": [{"product": DBRef("products", TEA)}]}),
    ],
    ids=["named", "nested", "plain", "copied", "list", "single", "reference"],
)
def test_products_are_found_where_the_settings_say(
    settings: dict[str, str], document: dict[str, Any]
) -> None:
    """
    In lines of any shape, as ids or as copies of the product.
    """
    found = row_of({"_id": "o", **document}, orders_quantity="", **settings)
    assert found == make_row(TEA)


@pytest.mark.parametrize("more", [0, 1])
def test_a_list_of_stock_is_no_order(more: int) -> None:
    """
    It would pair all with all. However often a product is in an order, it is one.
    """
    products = range(MOST_PRODUCTS + more)
    document = make_order_document("o", *products, *products)
    expected = make_row(counts=False) if more else make_row(*products)
    assert row_of(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"items": None},
        {"items": "two"},
        {"items": [None, 7, {}, {"product": None}]},
        {"createdAt": "yesterday"},
    ],
    ids=repr,
)
def test_an_order_of_any_shape_is_a_row(document: dict[str, Any]) -> None:
    """
    What cannot be used is left out; nothing stops the listener.
    """
    row = row_of({"_id": "o", **document})
    assert row.key == to_key("o")
    assert not row.visible
    assert math.isnan(row.created_s)


def test_only_what_counts_is_asked_for() -> None:
    """
    Not even the rest of a line; of paths of which one leads through the other, the
    shorter; and up to a place in an array.
    """
    assert OrderMapper(make_settings()).projection == dict.fromkeys(
        ["_id", "createdAt", "items.product", "items.quantity", "status"], 1
    )
    query = '{"$or": [{"payment.state": "paid"}, {"payment.state.0": 1}, {"notes": 1}]}'
    mapper = OrderMapper(make_settings(orders_when=query, orders_items="items[]"))
    assert mapper.projection == dict.fromkeys(
        ["_id", "createdAt", "items", "notes", "payment.state"], 1
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"orders_items": "items.product"},
        {"orders_items": "[].product"},
        {"orders_items": "items[]product"},
        {"orders_items": "items[].parts[].product"},
        {"orders_items": "items[]."},
        {"orders_items": "cart..items[]"},
        {"orders_date": "createdAt."},
        {"orders_date": "0.createdAt"},
        {"orders_quantity": "lines[].quantity"},
        {"orders_when": "{"},
        {"orders_when": '{"$where": "1"}'},
    ],
    ids=repr,
)
def test_wrong_settings_are_refused_by_name(settings: dict[str, str]) -> None:
    """
    With the variable, and how to write it.
    """
    name = next(iter(settings)).upper()
    with pytest.raises(SettingsFault, match=f"EVERSHELF_{name}="):
        OrderMapper(make_settings(**settings))


def test_the_fingerprint_follows_what_shapes_the_model() -> None:
    """
    And nothing else.
    """
    plain = orders_fingerprint(make_settings())
    assert plain == orders_fingerprint(make_settings(quiet_s=0.5))
    for name in ListenerSettings.model_fields:
        if name.startswith("orders_") and name != "orders_collection":
            changed = make_settings(**{name: "lines[].other"})
            assert orders_fingerprint(changed) != plain, name
