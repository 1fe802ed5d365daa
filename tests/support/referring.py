"""
Products that refer to categories and brands, and one who follows all of them.
"""

from __future__ import annotations

import threading
import time

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database

from listener.assembly import make_daemon, to_workshop
from listener.clock import Clock
from listener.compare import differences
from listener.complaints import Complaints
from listener.mapping import Mapper
from listener.opening import open_source
from listener.signals import Round, Stop
from listener.status import Status
from listener.verify import Report, Verification
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.snapshot import Snapshot
from recommender.store import Store, StoreReader
from recommender.weights import DEFAULT_WEIGHTS, Weights
from server.loader import Served, read_next, to_as_of
from tests.support.documents import make_settings
from tests.support.followed import acknowledged
from tests.support.waiting import wait_for


LATEST_S = 60.0
WEIGHTS = Weights(DEFAULT_WEIGHTS)
SETTINGS: Mapping[str, Any] = {
    "category_collection": "categories",
    "brand_collection": "brands",
}

Document = dict[str, Any]
# What becomes of documents, by collection and id; None: they are deleted.
Changes = Mapping[tuple[str, Any], Document | None]


def make_shop(database: Database[Document]) -> None:
    """
    Have three levels of categories, two brands and some products.
    """
    database["categories"].insert_many(
        [
            {"_id": 1, "name": "Home"},
            {"_id": 2, "name": "Kitchen", "parent": 1},
            {"_id": 3, "name": "Kettles", "parent": 2},
            {"_id": 4, "name": "Garden", "parent": 1},
        ]
    )
    database["brands"].insert_many(
        [{"_id": "b", "name": "Brimm"}, {"_id": "c", "name": "Corvo"}]
    )
    database["products"].insert_many(
        [
            {"_id": "kettle", "name": "Steel kettle", "category": 3, "brand": "b"},
            {"_id": "pot", "name": "Steel pot", "category": [2, 9], "brand": "c"},
            {"_id": "hose", "name": "Green hose", "category": 4, "brand": "b"},
            {"_id": "lamp", "name": "Desk lamp", "category": 9, "brand": "Brimm"},
        ]
    )


def put(
    database: Database[Document], changes: Changes, session: ClientSession | None = None
) -> None:
    """
    Write *changes*, one by one.
    """
    for (name, id_), document in changes.items():
        its = {"_id": id_}
        if document is None:
            database[name].delete_one(its, session=session)
        else:
            database[name].replace_one(its, document, upsert=True, session=session)


def transact(database: Database[Document], changes: Changes) -> None:
    """
    The same at one time.
    """
    with database.client.start_session() as session:
        session.with_transaction(lambda its: put(database, changes, its))


def from_scratch(database: Database[Document]) -> dict[bytes, Product]:
    """
    Return the products, by key, of documents into which what they refer to is written.
    """
    categories = {one["_id"]: one for one in database["categories"].find()}
    brands = {one["_id"]: one for one in database["brands"].find()}

    def path_of(id_: Any) -> Any:
        if id_ not in categories:
            return id_
        names: list[str] = []
        seen: list[Any] = []
        while id_ in categories and id_ not in seen:
            seen.append(id_)
            names[:0] = filter(None, [categories[id_].get("name")])
            id_ = categories[id_].get("parent")
        return " > ".join(names)

    mapper = Mapper(make_settings())
    found = {}
    for document in database["products"].find():
        its = document.get("category")
        category = [*map(path_of, its)] if isinstance(its, list) else path_of(its)
        brand = document.get("brand")
        brand = brands[brand]["name"] if brand in brands else brand
        whole = {**document, "category": category, "brand": brand}
        product = mapper.to_product(whole).product
        found[product.key] = product
    return found


class Following:
    """
    Follows a shop into a folder, as often as it is started.
    """

    def __init__(
        self, uri: str, database: Database[Document], folder: Path, **more: Any
    ) -> None:
        self.database = database
        values = {"database": database.name, "data_dir": folder, "sweep_per_s": 0}
        self.settings = make_settings(**values | dict(SETTINGS) | more)
        self._uri = uri
        self._reader = StoreReader(self.settings.store_dir)
        self._served = Served()

    @contextmanager
    def running(self) -> Iterator[Status]:
        """
        Follow while the context is open.
        """
        stop = Round(Stop())
        complaints = Complaints(time.monotonic)
        with (
            open_source(self.settings, self._uri, complaints) as source,
            Store.open(self.settings.store_dir) as store,
        ):
            workshop = to_workshop(self.settings, self._uri, complaints)
            daemon, status, _ = make_daemon(
                self.settings, source, workshop, complaints, store, stop
            )
            thread = threading.Thread(target=daemon.run)
            thread.start()
            try:
                yield status
            finally:
                stop.end()
                thread.join(LATEST_S)
        assert not thread.is_alive()

    def snapshot(self) -> Snapshot:
        """
        Return what servers see, once it claims to have all that is written now.
        """
        written = now(self.database)

        def ask() -> Snapshot | None:
            self._served = read_next(self._reader, self._served)
            found = self._served.snapshot
            is_there = found is not None and to_as_of(found, self._served) >= written
            return found if is_there else None

        return wait_for(ask, timeout_s=LATEST_S, what="all that was written")

    def check(self) -> None:
        """
        Fail unless servers see what the documents say, at the time that is claimed.
        """
        known = from_scratch(self.database)
        found = list(differences(self.snapshot(), known, WEIGHTS))
        assert not found

    def verify(self) -> Report:
        """
        Return what the comparison of the listener's own finds.
        """
        complaints = Complaints(time.monotonic)
        with open_source(self.settings, self._uri, complaints) as source:
            return Verification(
                source, self._reader, WEIGHTS, Clock(), patience_s=LATEST_S
            ).run()


def now(database: Database[Document]) -> ClusterTime:
    """
    Return the time of a write that comes after all others.
    """
    with database.client.start_session() as session:
        elsewhere: Collection[Document] = database["elsewhere"]
        elsewhere.insert_one({}, session=session)
        return acknowledged(session)
