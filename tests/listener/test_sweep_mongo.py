"""
The sweep of a listener on a real MongoDB, in this process.
"""

from __future__ import annotations

import random
import threading
import time

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bson import Decimal128, ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from listener import sweep
from listener.assembly import make_daemon, to_workshop
from listener.compare import differences
from listener.complaints import Complaints
from listener.daemon import Daemon
from listener.keys import to_key
from listener.mapping import Mapper
from listener.opening import open_source
from listener.signals import Round, Stop
from listener.status import Status
from recommender.address import to_address
from recommender.mutation import Delete, Upsert
from recommender.position import State
from recommender.snapshot import Snapshot
from recommender.store import Store, StoreReader
from recommender.weights import DEFAULT_WEIGHTS, Weights
from tests.support.damage import damage
from tests.support.documents import make_settings
from tests.support.followed import at_once
from tests.support.listener import events
from tests.support.mongo import make_mongod
from tests.support.products import make_product
from tests.support.shop import Seller, make_document
from tests.support.waiting import wait_for


FAST = 100_000  # a second; as fast as it goes

Logs = list[Any]


@pytest.fixture(name="_restless", autouse=True)
def _restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One pass follows the other.
    """
    monkeypatch.setattr(sweep, "LEAST_PASS_S", 0.0)


DEFAULTS = Weights(DEFAULT_WEIGHTS)


@dataclass(frozen=True)
class Following:
    """
    A daemon that is turned by hand, and what it is to follow.
    """

    daemon: Daemon
    status: Status
    collection: Collection[Any]
    reader: StoreReader
    mapper: Mapper

    def until(self, is_so: Callable[[], object]) -> None:
        """
        Turn until something is so.
        """

        def ask() -> object:
            self.daemon.turn()
            return is_so()

        wait_for(ask, timeout_s=60)

    def sweep(self) -> None:
        """
        Turn until two passes have ended, the second of which began after the call.
        """
        passes = self.status.swept.passes + 2
        self.until(lambda: self.status.swept.passes >= passes)

    @property
    def index(self) -> Any:
        """
        The living catalogue.
        """
        assert self.daemon._model is not None
        return self.daemon._model.index

    def assert_equal(self) -> None:
        """
        Fail unless what servers read becomes what the collection says.
        """

        def ask() -> object:
            products = [
                self.mapper.to_product(document).product
                for document in self.collection.find()
            ]
            snapshot = Snapshot.derive(self.reader.load(self.reader.read_manifest()))
            known = {product.key: product for product in products}
            return not list(differences(snapshot, known, DEFAULTS))

        self.until(ask)


@contextmanager
def following(
    uri: str, collection: Collection[Any], folder: Path, per_s: int = FAST
) -> Iterator[Following]:
    """
    Yield a listener that follows *collection*.
    """
    settings = make_settings(
        data_dir=folder, database=collection.database.name, sweep_per_s=per_s
    )
    complaints = Complaints(time.monotonic)
    with ExitStack() as stack:
        source = stack.enter_context(open_source(settings, uri, complaints))
        store = stack.enter_context(Store.open(settings.store_dir))
        workshop = to_workshop(settings, uri, complaints)
        daemon, status, _ = make_daemon(
            settings, source, workshop, complaints, store, Round(Stop())
        )
        stack.callback(daemon.close)
        reader = StoreReader(settings.store_dir)
        one = Following(daemon, status, collection, reader, Mapper(settings))
        one.until(lambda: status.state is State.FOLLOWING)
        yield one


def repaired(logs: Logs) -> dict[str, list[str]]:
    return {
        id_: parts
        for line in events(logs, "sweep.repaired")
        for id_, parts in line["what"].items()
    }


def test_repairs_each_kind_of_damage(
    mongo_uri: str, collection: Collection[Any], tmp_path: Path, logs: Logs
) -> None:
    """
    A wrong price, wrong display bytes, another version, a missing product and one that
    only the model has are found, named, put right and published; ids of all types.
    """
    ids = [7, 7.5, "seven", ObjectId(), {"shop": 1}, Decimal128("8.25"), None, True]
    collection.insert_many(make_document(n, _id=id_) for n, id_ in enumerate(ids))
    collection.insert_many(make_document(n) for n in range(50))
    keys = [to_key(id_) for id_ in ids]
    with following(mongo_uri, collection, tmp_path) as listener:
        listener.sweep()
        assert not events(logs, "sweep.repaired")
        damage(listener.index, keys[0], "price")
        damage(listener.index, keys[1], "displays")
        damage(listener.index, keys[2], "visible")
        damage(listener.index, keys[3], "tf")
        listener.index.apply([Delete(keys[4]), Delete(keys[6])])
        listener.index.apply([Upsert(make_product("only here", "lamp"))])
        listener.sweep()
        found = repaired(logs)
        listener.assert_equal()
        listener.sweep()

    assert found == {
        to_address(keys[0]): ["price"],
        to_address(keys[1]): ["display"],
        to_address(keys[2]): ["visible"],
        to_address(keys[3]): ["weights"],
        to_address(keys[4]): ["missing"],
        to_address(keys[6]): ["missing"],
        "only here": ["gone"],
    }
    assert listener.status.swept.repaired == len(found)
    assert listener.status.served.products == 58
    assert listener.status.swept.unsettled == 0


def test_no_false_alarm_under_heavy_writing(
    mongo_uri: str, collection: Collection[Any], tmp_path: Path, logs: Logs
) -> None:
    """
    While several write as fast as they can, products that others wrote, deleted and
    made again a moment ago among them, pass follows pass and nothing is repaired; a
    damage in the midst of it is.
    """
    collection.insert_many(make_document(n) for n in range(300))
    sellers = Seller(collection, 1), Seller(collection, 2)
    sellers[1]._number += 100_000
    collection.insert_many(make_document(n, _id=n, name="calm") for n in range(50))
    is_enough = threading.Event()

    def sell(seller: Seller) -> None:
        while not is_enough.is_set():
            seller.write()

    def churn() -> None:
        chance = random.Random(5)
        while not is_enough.is_set():
            id_ = f"churn-{chance.randrange(20)}"
            collection.replace_one({"_id": id_}, {"name": "red lamp"}, upsert=True)
            collection.delete_one({"_id": f"churn-{chance.randrange(20)}"})

    jobs = *(partial(sell, one) for one in sellers), churn
    with following(mongo_uri, collection, tmp_path) as listener:
        with at_once(*jobs, end=is_enough.set):
            listener.sweep()
            listener.until(lambda: listener.status.swept.unsettled > 0)
            assert not events(logs, "sweep.repaired")
            damage(listener.index, to_key(7), "price")
            listener.sweep()
        listener.sweep()
        listener.assert_equal()

    assert repaired(logs) == {to_address(to_key(7)): ["price"]}


def test_incomplete_products_are_not_said_again(
    mongo_uri: str, collection: Collection[Any], tmp_path: Path, logs: Logs
) -> None:
    """
    What of a document cannot be used is said when it is written, not at each pass.
    """
    with following(mongo_uri, collection, tmp_path) as listener:
        collection.insert_many(make_document(n, price="on request") for n in range(10))
        listener.until(lambda: listener.status.served.products == 10)
        listener.daemon._parts.complaints._known.clear()
        listener.sweep()

    assert len(events(logs, "product.incomplete")) == 10


def test_goes_on_after_the_database_was_away(tmp_path: Path, logs: Logs) -> None:
    """
    A server that is killed in the middle of a pass is no difference; when it is back
    the pass goes on, and what is wrong is still found.
    """
    with (
        make_mongod(tmp_path / "mongod") as mongod,
        MongoClient[dict[str, Any]](mongod.uri) as client,
    ):
        collection = client["shop"]["products"]
        collection.insert_many(make_document(n) for n in range(60))
        with following(mongod.uri, collection, tmp_path, per_s=30) as listener:
            status = listener.status
            listener.until(lambda: 0 < status.swept.checked < 60)
            mongod.kill()
            listener.until(lambda: status.state is State.RETRYING)
            mongod.start()
            listener.until(lambda: status.state is State.FOLLOWING)
            last = max(document["_id"] for document in collection.find())
            damage(listener.index, to_key(last), "price")
            collection.update_one({"_id": "tent-3"}, {"$set": {"price": 1}})
            listener.sweep()
            listener.assert_equal()

    assert repaired(logs) == {last: ["price"]}
