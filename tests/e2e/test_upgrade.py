"""
New code beside old, on one store, under writes and requests: no answer is wrong or
fails, in either direction.
"""

from __future__ import annotations

import shutil

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import pytest

from pymongo.collection import Collection

from recommender.errors import StoreTooNew
from recommender.exits import Exit
from recommender.manifest import FORMAT
from recommender.store import CURRENT, DURABLE
from server.freshness import NEWEST_UNREADABLE
from tests.fixtures.stores.make import STORE, STORES, to_answers
from tests.support.fleet import Fleet, make_fleet
from tests.support.later import make_later
from tests.support.matrix import wait_until_current
from tests.support.processes import ROOT, to_uri
from tests.support.shop import Seller, make_document, selling
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]

ASKED: Final = ("kettle-0", "lamp-1")  # one of a kind, as `Fleet.assert_right` asks
SEARCH: Final = "/v1/search?q=kettle"
EVERY_S: Final = 0.05  # between two writes


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path, mongo_uri: str, collection: Products) -> Iterator[Fleet]:
    collection.insert_many([make_document(i) for i in range(58)])
    uri = to_uri(mongo_uri, collection.database.name)
    with make_fleet(tmp_path / "data", uri) as fleet:
        yield fleet


def formats(fleet: Fleet) -> set[int]:
    """
    Return the formats of the store's pointers.
    """
    paths = (fleet.data_dir / STORE / name for name in (CURRENT, DURABLE))
    return {int(path.read_bytes().split()[2]) for path in paths}


def contents(folder: Path) -> dict[Path, bytes]:
    """
    Return each file's content.
    """
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_content(visitor: Visitor) -> None:
    """
    Fail if there was an error or an empty answer.
    """
    visitor.look_again()
    assert [visit for visit in visitor.visits if not visit.is_answered] == []


def wait_until_all_are_current(fleet: Fleet, collection: Products) -> None:
    """
    Wait until each server has all that was written.
    """
    for server in fleet.servers:
        wait_until_current(server, collection)


def test_rolling_upgrade(fleet: Fleet, collection: Products, tmp_path: Path) -> None:
    """
    One server after the other, then the listener: it goes on without a scan, in the
    later format, and every server has followed all the time.
    """
    later = make_later(tmp_path / "later")
    fleet.start(ROOT)
    seller = Seller(collection, seed=1, spared=ASKED)
    with Visitor(fleet, ASKED) as visitor:
        with selling(seller, every_s=EVERY_S):
            for server in fleet.servers:
                server.replace(later)
                visitor.look_again()
            assert formats(fleet) == {FORMAT}
            assert fleet.listener.stop() == 0
            fleet.follow(later)
            assert not fleet.listener.logs("rebuild.started")
            fleet.listener.wait_for_log("model.published")
        wait_until_all_are_current(fleet, collection)
        assert_content(visitor)
    fleet.verify(later)
    fleet.assert_right()
    assert NEWEST_UNREADABLE not in visitor.reasons
    assert fleet.listener.stop() == 0
    assert formats(fleet) == {FORMAT + 1}


def test_listener_first(fleet: Fleet, collection: Products, tmp_path: Path) -> None:
    """
    A later listener that reads words otherwise trains anew aside; servers of before
    keep what they have and say so, until they are restarted with the later version.
    """
    later = make_later(tmp_path / "later", reads_words_otherwise=True)
    fleet.start(ROOT)
    seller = Seller(collection, seed=2, spared=ASKED)
    with Visitor(fleet, ASKED) as visitor:
        with selling(seller, every_s=EVERY_S):
            assert fleet.listener.stop() == 0
            fleet.follow(later)
            assert fleet.listener.logs("rebuild.started", reason="settings_changed")
            for server in fleet.servers:
                line = server.process.wait_for_log("model.load_failed")
                assert str(StoreTooNew()) in line["reason"]
            wait_for(lambda: visitor.look_again().reason == NEWEST_UNREADABLE)
            for server in fleet.servers:
                server.replace(later)
        wait_until_all_are_current(fleet, collection)
        assert_content(visitor)
    fleet.verify(later)
    fleet.assert_right()


def test_servers_first_with_other_words(
    fleet: Fleet, collection: Products, tmp_path: Path
) -> None:
    """
    Later servers that read words otherwise answer all but searches from the old model,
    and those, too, once a listener of their version has trained anew.
    """
    later = make_later(tmp_path / "later", reads_words_otherwise=True)
    fleet.start(ROOT)
    with Visitor(fleet, ASKED) as visitor:
        for server in fleet.servers:
            assert server.get(SEARCH).status == HTTPStatus.OK
            server.replace(later)
            answer = server.get(SEARCH)
            assert (answer.status, answer.json["code"]) == (503, "other_words")
            assert server.process.logs("model.other_words")
        collection.insert_one(make_document(100))
        wait_until_all_are_current(fleet, collection)
        assert all(server.get(SEARCH).status == 503 for server in fleet.servers)
        assert fleet.listener.stop() == 0
        fleet.follow(later)
        for server in fleet.servers:
            wait_for(lambda server=server: server.get(SEARCH).status == HTTPStatus.OK)
            assert server.get(SEARCH).json["items"]
        assert_content(visitor)
    fleet.verify(later)


def test_going_back(fleet: Fleet, collection: Products, tmp_path: Path) -> None:
    """
    An older listener leaves a later store as it is and says what to do; once the store
    is moved away it trains its own, which later servers read, too.
    """
    later = make_later(tmp_path / "later")
    fleet.start(later)
    with Visitor(fleet, ASKED) as visitor:
        collection.insert_one(make_document(100))
        wait_until_all_are_current(fleet, collection)
        assert fleet.listener.stop() == 0
        store = fleet.data_dir / STORE
        before = contents(store)
        refused = fleet.make_listener(ROOT)
        refused.start()
        assert refused.wait(60) == Exit.REFUSED
        (line,) = refused.logs("listener.refused")
        assert (line["error"], line["remedy"]) == (
            str(StoreTooNew()),
            StoreTooNew.remedy,
        )
        assert contents(store) == before

        store.rename(tmp_path / "away")
        fleet.follow(ROOT)
        collection.insert_one(make_document(104))
        wait_until_all_are_current(fleet, collection)
        for server in fleet.servers:
            server.replace(ROOT)
        wait_until_all_are_current(fleet, collection)
        assert_content(visitor)
    fleet.verify(ROOT)
    fleet.assert_right()
    assert formats(fleet) == {FORMAT}


def test_older_server_started_beside_a_later_store(
    fleet: Fleet, tmp_path: Path
) -> None:
    """
    It is not ready and says why, while the others serve; and it is as soon as there is
    a store that it can read.
    """
    later = make_later(tmp_path / "later")
    fleet.start(later)
    older, other = fleet.servers
    assert older.process.stop() == 0
    older.start(ROOT)
    line = older.process.wait_for_log("model.load_failed")
    assert str(StoreTooNew()) in line["reason"]
    wait_for(lambda: older.get("/health/ready").status == 503)
    assert older.get("/v1/products/kettle-0/similar").status == 503
    assert other.get("/v1/products/kettle-0/similar").status == HTTPStatus.OK
    assert fleet.listener.stop() == 0
    (fleet.data_dir / STORE).rename(tmp_path / "away")
    fleet.follow(ROOT)
    older.wait_until_ready()


def test_settings_that_shape_the_model(
    fleet: Fleet, collection: Products, tmp_path: Path
) -> None:
    """
    Other weights are trained aside while the last model serves, then swapped in.
    """
    fleet.start(ROOT)
    weights = {"EVERSHELF_WEIGHTS": '{"name": 1.0, "category": 4.0}'}
    query = "/v1/products/kettle-0/similar?limit=100"
    before = fleet.servers[0].get(query).json["items"]
    with Visitor(fleet, ASKED) as visitor:
        assert fleet.listener.stop() == 0
        fleet.follow(ROOT, **weights)
        assert fleet.listener.logs("rebuild.started", reason="settings_changed")
        wait_until_all_are_current(fleet, collection)
        assert_content(visitor)
    fleet.verify(ROOT, **weights)
    fleet.assert_right()
    after = fleet.servers[0].get(query).json["items"]
    assert {item["id"] for item in after} >= {f"kettle-{4 * i}" for i in range(1, 15)}
    assert [item["score"] for item in before] != [item["score"] for item in after]


@pytest.mark.parametrize(
    "released",
    sorted(path for path in STORES.iterdir() if path.name.isdigit()),
    ids=lambda path: path.name,
)
def test_released_store_serves_until_it_is_replaced(
    released: Path, fleet: Fleet, collection: Products
) -> None:
    """
    Servers answer from the store of a released version, with today's scores, and the
    listener, for which its rows are not the collection's, trains anew beside.
    """
    shutil.copytree(released / STORE, fleet.data_dir / STORE)
    collection.insert_many(
        make_document(i, _id=id_) for i, id_ in ((0, "kettle"), (4, "mug"))
    )
    for server in fleet.servers:
        server.start(ROOT)
    for server in fleet.servers:
        server.wait_until_ready()
    answered = to_answers(released / STORE)["similar"]["kettle"]
    for server in fleet.servers:
        found = server.get("/v1/products/kettle/similar").json["items"]
        assert [[item["id"], item["score"]] for item in found] == answered
    with Visitor(fleet, ["kettle", "mug"]) as visitor:
        fleet.follow(ROOT)
        assert fleet.listener.logs("rebuild.started", reason="settings_changed")
        wait_until_all_are_current(fleet, collection)
        assert_content(visitor)
    fleet.verify(ROOT)
