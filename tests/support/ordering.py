"""
Orders in MongoDB, and one who follows them as the listener does.
"""

from __future__ import annotations

import threading

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from listener.assembly import make_orders_daemon
from listener.clock import Clock
from listener.keys import to_key
from listener.opening import open_orders
from listener.rebuilds import Requests
from listener.signals import Stop
from listener.status import Status
from recommender.position import ClusterTime
from recommender.snapshot import Snapshot
from recommender.store import Store, StoreReader
from server.loader import Served, read_next, to_as_of
from tests.support.documents import make_settings
from tests.support.followed import acknowledged
from tests.support.orders import check_pairs
from tests.support.waiting import wait_for


LATEST_S = 60.0

Document = dict[str, Any]
Orders = Collection[Document]


def make_order_document(id_: object, *products: object, **values: Any) -> Document:
    """
    Return an order of one of each, with what a customer would not want to be read.
    """
    return {
        "_id": id_,
        "items": [
            {"product": one, "quantity": 1, "note": "for Ada"} for one in products
        ],
        "status": "paid",
        "customer": {"name": "Ada", "email": "ada@example.org"},
        "address": "1 Analytical Way",
        **values,
    }


def to_baskets(orders: Orders) -> dict[bytes, set[bytes]]:
    """
    Return what is in each order that counts, read plainly.
    """
    return {
        to_key(order["_id"]): {
            to_key(line["product"])
            for line in order["items"]
            if line.get("quantity", 1) > 0
        }
        for order in orders.find({"status": {"$ne": "cancelled"}})
    }


class Following:
    """
    Follows the orders of a database into a folder, as often as it is started.
    """

    def __init__(self, uri: str, orders: Orders, folder: Path, **more: Any) -> None:
        self.orders = orders
        self.settings = make_settings(
            database=orders.database.name,
            orders_collection=orders.name,
            data_dir=folder,
            **more,
        )
        self._uri = uri
        self._reader = StoreReader(self.settings.orders_dir)
        self._served = Served()

    @contextmanager
    def running(self) -> Iterator[Status]:
        """
        Follow while the context is open.
        """
        stop, status = Stop(), Status(Clock())
        with (
            open_orders(self.settings, self._uri) as source,
            Store.open(self.settings.orders_dir) as store,
        ):
            daemon = make_orders_daemon(
                self.settings, source, store, status, Requests(), stop
            )
            thread = threading.Thread(target=daemon.run)
            thread.start()
            try:
                yield status
            finally:
                stop.set()
                thread.join(LATEST_S)
        assert not thread.is_alive()

    def snapshot(self) -> Snapshot:
        """
        Return what servers see, once all that is written now is in it.
        """
        written = _now(self.orders)

        def ask() -> Snapshot | None:
            self._served = read_next(self._reader, self._served)
            found = self._served.snapshot
            is_there = found is not None and to_as_of(found, self._served) >= written
            return found if is_there else None

        return wait_for(ask, timeout_s=LATEST_S, what="all orders")

    def check(self) -> None:
        """
        Fail unless servers see the pairs that are counted from scratch.
        """
        check_pairs(self.snapshot(), to_baskets(self.orders))


def _now(orders: Orders) -> ClusterTime:
    """
    Return the time of a write that comes after all others.
    """
    with orders.database.client.start_session() as session:
        orders.database["elsewhere"].insert_one({}, session=session)
        return acknowledged(session)


def put(
    orders: Orders,
    changes: Mapping[Any, Document | None],
    session: ClientSession | None = None,
) -> None:
    """
    Put several orders, by id, and delete those of None.
    """
    for id_, order in changes.items():
        if order is None:
            orders.delete_one({"_id": id_}, session=session)
        else:
            document = {"_id": id_, **order}
            orders.replace_one({"_id": id_}, document, upsert=True, session=session)


def transact(orders: Orders, changes: Mapping[Any, Document | None]) -> None:
    """
    The same at one time.
    """
    with orders.database.client.start_session() as session:
        session.with_transaction(lambda its: put(orders, changes, its))
