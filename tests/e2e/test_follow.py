"""
A host that serves and does not build: it takes what another one's listener publishes.
"""

from __future__ import annotations

import re

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest

from pymongo.database import Database

from recommender.exits import Exit
from tests.support.mongo import make_mongod, suspended
from tests.support.ordering import make_order_document
from tests.support.processes import Pair, make_pair, running, to_uri
from tests.support.secured import LEAST, Privilege, Secured, secured
from tests.support.shop import make_document
from tests.support.waiting import wait_for


ORDERS: Final = {"EVERSHELF_ORDERS_COLLECTION": "orders"}
PROMPT: Final = {"EVERSHELF_DURABLE_INTERVAL_S": "0.2"}
IDS: Final = [make_document(i)["_id"] for i in range(4)]
OF_ORDERS: Final[Privilege] = {
    "resource": {"db": "shop", "collection": "orders"},
    "actions": ["find", "changeStream"],
}
ORDERED: Final = 20
READS: Final = frozenset({"query", "command", "getmore"})


@pytest.fixture(name="shop", scope="module")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as shop:
        database = shop.admin["shop"]
        database["products"].insert_many([make_document(i) for i in range(58)])
        # some of three, so that these belong together, among others
        some = [make_order_document(n, *IDS[:3]) for n in range(5)]
        others = [make_order_document(n, IDS[3], "kettle-4") for n in range(5, ORDERED)]
        database["orders"].insert_many(some + others)
        yield shop


@pytest.fixture(name="publisher")
def _publisher(shop: Secured, tmp_path: Path) -> Iterator[Pair]:
    """
    A pair whose listener may read the shop, and write elsewhere.
    """
    uri = shop.add("reader", [*LEAST, OF_ORDERS])
    there = shop.create_user("writer", [{"role": "readWrite", "db": "evershelf"}])
    settings = {"EVERSHELF_PUBLISH_TO": to_uri(there, "evershelf"), **ORDERS, **PROMPT}
    shop.admin["shop"].command("profile", 2)
    with running(tmp_path / "publisher", uri, settings) as pair:
        yield pair


@pytest.fixture(name="host")
def _host(shop: Secured, tmp_path: Path) -> Iterator[Pair]:
    """
    A host whose follower may read what is published, and knows no shop.
    """
    there = shop.create_user("follower", [{"role": "read", "db": "evershelf"}])
    settings = {"EVERSHELF_FOLLOW_FROM": to_uri(there, "evershelf"), **ORDERS}
    with make_pair(tmp_path / "host", "", settings) as pair:
        pair.listener = pair.make("follow")
        yield pair


def is_fresh(pair: Pair) -> bool:
    """
    Whether the server has a model, and no reason to think that it is behind.
    """
    answer = pair.get("/")
    return bool(answer.json["model"]) and not answer.json["model"]["stale"]


def stale_reason(pair: Pair) -> str:
    """
    Return why answers are stale.
    """
    return str(pair.get("/").json["model"].get("reason", ""))


def ids(pair: Pair, door: str) -> list[str]:
    """
    Return what is answered about a product; nothing before there is a model.
    """
    answer = pair.get(f"/v1/products/{IDS[0]}/{door}?limit=20")
    return answer.ids if answer.status == HTTPStatus.OK else []


def test_a_host_that_does_not_build(shop: Secured, publisher: Pair, host: Pair) -> None:
    """
    It answers what the publisher answers, of products and of orders, as fresh, and with
    `after=`, a write's answer; it says when the publisher has gone, goes on when that is
    back, and nothing was written to the shop.
    """
    database = shop.admin["shop"]
    host.listener.start()
    host.server.start()
    wait_for(lambda: host.get("/health/ready").status == HTTPStatus.OK)
    wait_for(lambda: is_fresh(host))
    wait_for(lambda: ids(host, "bought-together"), what="the orders")
    assert sorted(ids(host, "bought-together")) == sorted(IDS[1:3])
    for door in ("bought-together", "similar", "recommended"):
        assert ids(host, door) == ids(publisher, door)

    check_own_write(host, database)
    check_without_the_publisher(host, publisher, database)
    check_what_is_not_here(host)
    assert host.listener.stop() == Exit.OK
    assert publisher.listener.stop() == Exit.OK
    database.command("profile", 0)
    noted = list(database["system.profile"].find({"appName": "evershelf-listener"}))
    assert {line["op"] for line in noted} == READS
    secret = re.compile("secret@|secret%40")
    for process in (host.listener, publisher.listener):
        assert not secret.search(process.text)


def check_own_write(host: Pair, database: Database[dict[str, Any]]) -> None:
    """
    A write that was acknowledged is in the first answer that asks for it.
    """
    with database.client.start_session() as session:
        database["products"].insert_one(make_document(100), session=session)
        time = session.operation_time
    assert time is not None
    after = f"after={time.time}.{time.inc}&wait_ms=10000"
    answer = host.get(f"/v1/products/kettle-100/similar?{after}")
    assert answer.status == HTTPStatus.OK
    assert answer.json["model"]["reached"] is True


def check_without_the_publisher(
    host: Pair, publisher: Pair, database: Database[dict[str, Any]]
) -> None:
    """
    Answers go on, stale; what was written meanwhile is in them when it is back.
    """
    publisher.listener.kill()
    wait_for(lambda: stale_reason(host) == "publisher_silent", what="silence")
    database["products"].insert_one(make_document(104))
    publisher.listener.start()
    wait_for(lambda: is_fresh(host) and "kettle-104" in host.similar("kettle-4"))


def check_what_is_not_here(host: Pair) -> None:
    """
    The control port answers as any listener's, but nothing is trained here.
    """
    assert host.control("/health/live").status == HTTPStatus.OK
    assert host.control("/").json["state"] == "following"
    assert host.control("/").json["orders"]["counted"] == ORDERED
    assert b"evershelf_listener_generation" in host.control("/metrics").body
    refused = host.get("/train", method="POST")
    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "another listener" in refused.json["detail"]


def test_a_database_that_is_away(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    When the database hangs, or ends, in which generations are published, the publisher
    follows and serves on as ever; the host answers from what it has, stale, and has all
    that was written meanwhile soon after it is back.
    """
    products = database["products"]
    products.insert_many([make_document(i) for i in range(20)])
    with make_mongod(tmp_path / "place") as place:
        there = to_uri(place.uri, "evershelf")
        publishing = {"EVERSHELF_PUBLISH_TO": there}
        with (
            running(
                tmp_path / "publisher", to_uri(mongo_uri, database.name), publishing
            ) as publisher,
            make_pair(tmp_path / "host", "", {"EVERSHELF_FOLLOW_FROM": there}) as host,
        ):
            host.listener = host.make("follow")
            host.listener.start()
            host.server.start()
            wait_for(lambda: host.get("/health/ready").status == HTTPStatus.OK)
            wait_for(lambda: is_fresh(host))

            with suspended([place]):
                products.insert_one(make_document(100))
                wait_for(lambda: "kettle-100" in publisher.similar("kettle-4"))
                wait_for(lambda: not is_fresh(host), what="staleness")
                assert is_fresh(publisher)
                assert "kettle-100" not in host.similar("kettle-4")
            wait_for(
                lambda: "kettle-100" in host.similar("kettle-4") and is_fresh(host)
            )

            place.stop()
            products.insert_one(make_document(104))
            wait_for(lambda: "kettle-104" in publisher.similar("kettle-4"))
            wait_for(lambda: stale_reason(host) == "unreachable", what="staleness")
            assert is_fresh(publisher)
            place.start()
            wait_for(
                lambda: "kettle-104" in host.similar("kettle-4") and is_fresh(host)
            )
            assert len(publisher.listener.logs("push.failed")) <= 2  # once each
