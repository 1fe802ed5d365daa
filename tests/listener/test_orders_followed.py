"""
The model of orders is what the collection says, whatever happened to it.
"""

from __future__ import annotations

import tempfile

from pathlib import Path
from typing import Any

import pytest

from bson import ObjectId, json_util
from bson.json_util import CANONICAL_JSON_OPTIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener.clock import Clock
from listener.keys import to_key
from listener.mongo.client import CODEC
from listener.opening import open_orders
from listener.orders import OrderMapper
from listener.verify import Verification
from recommender.order import ORDER_WEIGHTS
from recommender.store import StoreReader
from recommender.together import companions
from tests.support.documents import OddShop, make_settings
from tests.support.followed import Follower
from tests.support.ordering import (
    Following,
    Orders,
    make_order_document,
    put,
    transact,
)


# Ids of all kinds, among them one number of two types.
PRODUCTS = ["p0", "p1", 1, 1.0, "1", ObjectId("64b000000000000000000001")]
MAY_BE_READ = {"_id", "createdAt", "items", "status"}

orders = st.builds(
    lambda products, status, quantity: {
        "items": [{"product": one, "quantity": quantity} for one in products],
        "status": status,
    },
    st.lists(st.sampled_from(PRODUCTS), max_size=4),
    st.sampled_from(["paid", "sent", "cancelled"]),
    st.sampled_from([1, 2, 0]),
)
changes = st.dictionaries(
    st.integers(0, 11), st.none() | orders, min_size=1, max_size=8
)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("write"), changes),
        st.tuples(st.just("transact"), changes),
        st.tuples(st.just("away"), changes),
        st.tuples(st.just("replace"), changes),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(name="orders")
def _orders(database: Any) -> Orders:
    return database["orders"]


@given(first=changes, history=histories)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_ends_with_the_pairs_counted_from_scratch(
    mongo_uri: str, orders: Orders, first: Any, history: Any
) -> None:
    """
    Orders placed, edited, cancelled and removed, one by one and in transactions, while
    the listener follows, while it is away, and when the collection is made anew.
    """
    orders.delete_many({})
    put(orders, first)
    with tempfile.TemporaryDirectory() as folder:
        following = Following(
            mongo_uri, orders, Path(folder), shrink_grace_s=0, durable_interval_s=0
        )
        for action, several in history:
            if action == "away":
                put(orders, several)
            with following.running():
                if action == "away":
                    following.check()
                    continue
                following.snapshot()
                if action == "replace":
                    orders.drop()
                (transact if action == "transact" else put)(orders, several)
                following.check()


def test_nothing_of_a_customer_is_read(mongo_uri: str, orders: Orders) -> None:
    """
    Neither by a scan, nor by the stream and what is read again, nor page by page: what
    comes from the database has no more fields than those that count.
    """
    following = Following(mongo_uri, orders, Path("unused"))
    database = orders.database
    orders.insert_one(make_order_document("a", "tea", "pot"))
    seen: list[Any] = []
    with open_orders(following.settings, mongo_uri) as source:
        mapped = source._to_product
        source._to_product = source._look_again = lambda document, names: (  # type: ignore[assignment]
            seen.append(document) or mapped(document, names)
        )
        database.command("profile", 2)
        try:
            assert sum(map(len, source.scan())) == 1
            assert len(source.page(None, 10).products) == 1
            seen += source.sample(1)
            with Follower(source) as follower:
                follower.open()
                orders.insert_one(make_order_document("b", "tea", "cup"))
                orders.update_one({"_id": "a"}, {"$set": {"address": "other"}})
                follower.until(lambda: len(follower.written) == 2)
        finally:
            database.command("profile", 0)
    assert len(seen) >= 5
    for document in seen:
        assert document.keys() <= MAY_BE_READ
        assert all(line.keys() == {"product", "quantity"} for line in document["items"])
    asked = list(
        database["system.profile"].find(
            {"ns": orders.full_name, "op": {"$in": ["query", "getmore"]}}
        )
    )
    texts = [str(one) for one in asked]
    assert any("$changeStream" in text for text in texts)
    for one, text in zip(asked, texts, strict=True):
        if one["op"] == "query":
            assert "projection" in one["command"], one
        else:
            assert "$changeStream" in text, one
            assert "fullDocument" not in text, one


def test_what_is_read_says_what_all_of_it_does(orders: Orders) -> None:
    """
    Whatever decides which orders count, and whatever is in them, an order of which only
    that is read is the same row.
    """
    shop = OddShop(7)
    odd = orders.with_options(codec_options=CODEC)
    odd.insert_many(
        [make_order_document(n, "tea", n % 3) | shop.document(n) for n in range(60)]
    )
    whole = list(odd.find(sort=[("_id", 1)]))
    counted = 0
    for _ in range(60):
        query = json_util.dumps(shop.query(), json_options=CANONICAL_JSON_OPTIONS)
        mapper = OrderMapper(make_settings(orders_when=query))
        read = list(odd.find({}, mapper.projection, sort=[("_id", 1)]))
        rows = [mapper.to_row(document) for document in read]

        assert rows == [mapper.to_row(document) for document in whole], query
        counted += sum(row.visible for row in rows)
    assert 0 < counted < 60 * 60


def test_verify_proves_it_and_finds_what_differs(
    mongo_uri: str, orders: Orders, tmp_path: Path
) -> None:
    """
    Equal while it is followed; different when an order was written since it ended.
    """
    following = Following(mongo_uri, orders, tmp_path)
    orders.insert_many([make_order_document(n, "tea", "pot") for n in range(3)])
    with open_orders(following.settings, mongo_uri) as source:
        reader = StoreReader(following.settings.orders_dir)
        verification = Verification(
            source, reader, ORDER_WEIGHTS, Clock(), patience_s=5.0
        )
        with following.running():
            following.snapshot()
            report = verification.run()
            assert report.is_equal, report
        orders.delete_one({"_id": 0})
        assert not verification.run().is_equal


def test_an_order_that_was_cancelled_while_nobody_looked_is_subtracted(
    mongo_uri: str, orders: Orders, tmp_path: Path
) -> None:
    """
    Also when the listener that comes back goes on from a token.
    """
    following = Following(mongo_uri, orders, tmp_path)
    orders.insert_many([make_order_document(n, "tea", "pot") for n in range(3)])
    with following.running():
        assert companions(following.snapshot(), to_key("tea")).together.tolist() == [3]
    orders.update_one({"_id": 1}, {"$set": {"status": "cancelled"}})
    with following.running():
        assert companions(following.snapshot(), to_key("tea")).together.tolist() == [2]
        following.check()
