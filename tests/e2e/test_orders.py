"""
Orders are followed beside the products: as surely, and never in their way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database

from listener.mongo.client import APP_NAME
from tests.support.followed import acknowledged
from tests.support.metrics import value
from tests.support.ordering import make_order_document
from tests.support.processes import Pair, running, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


INTERRUPTED = 11600  # an error after which one tries again
SETTINGS = {"EVERSHELF_ORDERS_COLLECTION": "orders"}

Shop = Database[dict[str, Any]]
IDS = [make_document(i)["_id"] for i in range(4)]


@pytest.fixture(name="pair")
def _pair(tmp_path: Path, mongo_uri: str, database: Shop) -> Iterator[Pair]:
    database["products"].insert_many([make_document(i) for i in range(20)])
    database["orders"].insert_many([make_order_document(n, *IDS[:3]) for n in range(5)])
    uri = to_uri(mongo_uri, database.name)
    with running(tmp_path / "data", uri, SETTINGS) as pair:
        wait_for(lambda: orders_of(pair)["counted"] == 5, what="the orders")
        yield pair


def orders_of(pair: Pair) -> dict[str, Any]:
    answer = pair.control("/")
    assert answer.status == 200
    said: dict[str, Any] = answer.json["orders"]
    return said


def test_a_listener_that_is_killed_goes_on_with_the_orders(
    pair: Pair, database: Shop
) -> None:
    """
    What was written meanwhile is in, what was cancelled is out, and `verify` proves
    both models.
    """
    pair.listener.kill()
    database["orders"].update_one({"_id": 0}, {"$set": {"status": "cancelled"}})
    database["orders"].delete_one({"_id": 1})
    database["orders"].insert_one(make_order_document("new", *IDS))
    pair.listener.start()
    wait_for(lambda: orders_of(pair)["counted"] == 4, what="the orders")
    code, process = pair.verify()
    assert code == 0, process.text
    assert [line["products"] for line in process.logs("verify.done")] == [20, 5]


def test_orders_that_cannot_be_read_leave_the_products_alone(
    pair: Pair, database: Shop, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    """
    Products stay fresh while every read of the orders fails; afterwards the orders are
    followed on.
    """

    def fail(mode: str) -> None:
        mongo_client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode=mode,
            data={
                "failCommands": ["find", "aggregate", "getMore"],
                "namespace": f"{database.name}.orders",
                "errorCode": INTERRUPTED,
                "appName": APP_NAME,
            },
        )

    fail("alwaysOn")
    try:
        database["orders"].insert_one(make_order_document("new", *IDS))
        wait_for(lambda: orders_of(pair)["state"] == "retrying", what="trouble")
        for number in range(3):
            database["products"].insert_one(make_document(30 + number))
            wait_for(
                lambda: pair.get("/").json["products_count"] == 21 + number,  # noqa: B023
                what="the product",
            )
        assert not pair.get("/").json["model"]["stale"]
    finally:
        fail("off")
    wait_for(lambda: orders_of(pair)["counted"] == 6, what="the orders")
    wait_for(lambda: orders_of(pair)["state"] == "following", what="peace")


def test_both_are_trained_from_scratch(pair: Pair, database: Shop) -> None:
    """
    `resync` has the running listener do it, the products first; without one this process
    does, and the listener that starts goes on from there.
    """
    done = resynced(pair)
    assert [one["by"] for one in done] == ["the running listener"] * 2
    assert len(pair.listener.logs("rebuild.started", reason="requested")) == 2
    pair.listener.stop()
    database["orders"].insert_one(make_order_document("new", *IDS))
    done = resynced(pair)
    assert [one["by"] for one in done] == ["this process"] * 2
    assert [one["products"] for one in done] == [20, 6]
    since = pair.listener.printed
    pair.listener.start()
    pair.listener.wait_for_log("listener.state", followed="orders", since=since)
    wait_for(lambda: orders_of(pair)["state"] == "following", what="the orders")
    assert not pair.listener.logs("scan.started", since=since)
    assert orders_of(pair)["counted"] == 6


def resynced(pair: Pair) -> list[dict[str, Any]]:
    code, process = pair.run("resync")
    assert code == 0, process.text
    done = process.logs("resync.done")
    assert [one.get("followed") for one in done] == [None, "orders"]
    return done


def test_prometheus_is_told_of_both(pair: Pair, database: Shop) -> None:
    """
    The listener's port has the figures of the products, and beside them the orders'.
    """

    def read(name: str, *labels: str) -> float:
        return value(pair.control("/metrics").body.decode(), name, *labels)

    assert read("evershelf_listener_products") == 20
    assert read("evershelf_orders_products") == 5
    assert read("evershelf_orders_visible_products") == 5
    assert read("evershelf_orders_rebuilds_total", "first_start") == 1
    database["orders"].update_one({"_id": 0}, {"$set": {"status": "cancelled"}})
    wait_for(
        lambda: read("evershelf_orders_visible_products") == 4, what="the cancellation"
    )
    assert read("evershelf_orders_events_total", "update") == 1
    assert read("evershelf_listener_events_total", "update") == 0
    assert read("evershelf_orders_state", "following") == 1


def test_an_own_order_is_in_the_answer(
    pair: Pair, database: Shop, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    """
    The first answer after an order that asks for it counts it, and the first after its
    cancellation does not, time after time.
    """
    orders = database["orders"]
    asked = f"/v1/products/{IDS[0]}/recommended?wait_ms=10000&after="

    def count(session: ClientSession) -> int:
        written = acknowledged(session)
        answer = pair.get(f"{asked}{written.seconds}.{written.increment}").json
        assert answer["orders"]["reached"] is True
        return int(answer["orders"]["with_product"])

    with mongo_client.start_session() as session:
        for number in range(5):
            order = make_order_document(f"new-{number}", *IDS)
            orders.insert_one(order, session=session)
            assert count(session) == 6
            cancelled = {"$set": {"status": "cancelled"}}
            orders.update_one({"_id": order["_id"]}, cancelled, session=session)
            assert count(session) == 5
