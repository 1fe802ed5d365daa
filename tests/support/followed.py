"""
Collections that are followed, in memory and in MongoDB, and one who follows them.
"""

from __future__ import annotations

import threading
import time

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, Self

from bson.timestamp import Timestamp
from pymongo import DeleteOne, MongoClient, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from listener.feed import Batch, Mark, Source
from listener.keys import to_key
from listener.mongo.client import LastReply, connect
from listener.mongo.source import MongoSource, ToProduct
from listener.mongo.tokens import to_cluster_time
from listener.values.references import NO_NAMES
from listener.values.references import Names as ReferredNames
from recommender.mutation import Clear, Delete, Upsert
from recommender.position import ClusterTime
from recommender.product import Product
from tests.support.fake_source import FakeSource
from tests.support.products import make_key, make_product


Names = dict[bytes, str]
PATIENCE_S = 60.0


class Shop(Protocol):
    """
    A collection of products with nothing but names; its ids are strings. Writes return
    the time at which they were acknowledged.
    """

    source: Source

    def put(self, id_: str, name: str) -> ClusterTime:
        """
        Insert or replace one.
        """

    def delete(self, id_: str) -> ClusterTime:
        """
        Delete one, if it is there.
        """

    def bulk(self, changes: Mapping[str, str | None]) -> ClusterTime:
        """
        Put several, and delete those without a name.
        """

    def transact(self, changes: Mapping[str, str | None]) -> ClusterTime:
        """
        The same at one time.
        """

    def elsewhere(self) -> ClusterTime:
        """
        Write to another collection.
        """

    def replace_all(self, names: Mapping[str, str]) -> None:
        """
        Drop the collection, and make it anew.
        """

    def names(self) -> Names:
        """
        Return what is in the collection, by key.
        """


class FakeShop:
    """
    See `Shop`.
    """

    def __init__(self, seed: int) -> None:
        self.source = FakeSource(
            seed=seed, on_idle=lambda _timeout_s: time.sleep(0.001)
        )

    def put(self, id_: str, name: str) -> ClusterTime:
        """
        See `Shop`.
        """
        return self.source.put(make_product(id_, name))

    def delete(self, id_: str) -> ClusterTime:
        """
        See `Shop`.
        """
        return self.source.delete(make_key(id_))

    def bulk(self, changes: Mapping[str, str | None]) -> ClusterTime:
        """
        See `Shop`.
        """
        for id_, name in changes.items():
            _ = self.delete(id_) if name is None else self.put(id_, name)
        return self.source.time

    def transact(self, changes: Mapping[str, str | None]) -> ClusterTime:
        """
        See `Shop`.
        """
        return self.source.transact(
            {
                make_key(id_): None if name is None else make_product(id_, name)
                for id_, name in changes.items()
            }
        )

    def elsewhere(self) -> ClusterTime:
        """
        See `Shop`.
        """
        return self.source.tick()

    def replace_all(self, names: Mapping[str, str]) -> None:
        """
        See `Shop`.
        """
        self.source.replace([make_product(*pair) for pair in names.items()])

    def names(self) -> Names:
        """
        See `Shop`.
        """
        with self.source.lock:
            return {key: to_name(p) for key, p in self.source.documents.items()}


class MongoShop:
    """
    See `Shop`; any thread may write.
    """

    def __init__(self, source: MongoSource, collection: Collection[Any]) -> None:
        self.source = source
        self.collection = collection

    def put(self, id_: str, name: str) -> ClusterTime:
        """
        See `Shop`.
        """
        with self._session() as session:
            document = {"name": name}
            self.collection.replace_one(
                {"_id": id_}, document, upsert=True, session=session
            )
            return acknowledged(session)

    def delete(self, id_: str) -> ClusterTime:
        """
        See `Shop`.
        """
        with self._session() as session:
            self.collection.delete_one({"_id": id_}, session=session)
            return acknowledged(session)

    def bulk(self, changes: Mapping[str, str | None]) -> ClusterTime:
        """
        See `Shop`.
        """
        with self._session() as session:
            self._write(changes, session)
            return acknowledged(session)

    def transact(self, changes: Mapping[str, str | None]) -> ClusterTime:
        """
        See `Shop`.
        """
        with self._session() as session:
            with session.start_transaction():
                self._write(changes, session)
            return acknowledged(session)

    def elsewhere(self) -> ClusterTime:
        """
        See `Shop`.
        """
        with self._session() as session:
            other = self.collection.database["orders"]
            other.insert_one({"of": "nothing"}, session=session)
            return acknowledged(session)

    def replace_all(self, names: Mapping[str, str]) -> None:
        """
        See `Shop`.
        """
        self.collection.drop()
        self.bulk(names)

    def names(self) -> Names:
        """
        See `Shop`.
        """
        return {
            to_key(document["_id"]): document.get("name", "")
            for document in self.collection.find({}, {"name": 1})
        }

    def _session(self) -> ClientSession:
        return self.collection.database.client.start_session()

    def _write(self, changes: Mapping[str, str | None], session: ClientSession) -> None:
        self.collection.bulk_write(
            [
                DeleteOne({"_id": id_})
                if name is None
                else ReplaceOne({"_id": id_}, {"name": name}, upsert=True)
                for id_, name in changes.items()
            ],
            session=session,
        )


def acknowledged(session: ClientSession) -> ClusterTime:
    """
    Return the time at which the session's last operation was acknowledged.
    """
    assert isinstance(session.operation_time, Timestamp)
    return to_cluster_time(session.operation_time)


def to_product(
    document: Mapping[str, Any], _names: ReferredNames = NO_NAMES
) -> Product:
    """
    Return the product of a document, of which only the name counts.
    """
    name = str(document.get("name", ""))
    return Product(key=to_key(document["_id"]), texts={"name": name})


def to_name(product: Product) -> str:
    """
    Return a product's name.
    """
    return product.texts.get("name", "")


@contextmanager
def mongo_source(
    uri: str,
    database: str,
    collection: str = "products",
    *,
    to_product: ToProduct = to_product,
) -> Iterator[MongoSource]:
    """
    Yield the collection as the listener sees it.
    """
    replies = LastReply()
    clients = connect(uri, replies)
    try:
        yield MongoSource(
            clients,
            replies,
            database=database,
            collection=collection,
            to_product=to_product,
            look_again=to_product,
        )
    finally:
        clients.close()


@contextmanager
def mongo_shop(uri: str, database: str) -> Iterator[MongoShop]:
    """
    Yield a collection of MongoDB; its writers have a client of their own.
    """
    with (
        mongo_source(uri, database) as source,
        MongoClient[dict[str, Any]](uri) as client,
    ):
        yield MongoShop(source, client[database]["products"])


class Follower:
    """
    Takes from a feed all that it gives, while its context is open.

    Attributes:
        names: What the products are, by key, as far as they were written.
        marks: In order, each with what `names` was then.
        batches: All of them.
    """

    def __init__(self, source: Source, checkpoint: str | None = None) -> None:
        self._feed = source.follow(checkpoint)
        self.names: Names = {}
        self.written: set[bytes] = set()
        self.marks: list[tuple[Mark, Names]] = []
        self.batches: list[Batch] = []

    def __enter__(self) -> Self:
        self._feed.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._feed.__exit__(*error)

    @property
    def as_of(self) -> ClusterTime:
        """
        What the feed last claimed.
        """
        return self.marks[-1][0].as_of if self.marks else ClusterTime(0, 0)

    def take(self, timeout_s: float = 0.2) -> Batch | None:
        """
        Take one batch; claims must not go back.
        """
        batch = self._feed.take(timeout_s)
        if batch is None:
            return None
        self.batches.append(batch)
        for mutation in batch.mutations:
            self._apply(mutation)
        if batch.reached is not None:
            assert batch.reached.as_of >= self.as_of, "claims go back"
            self.marks.append((batch.reached, dict(self.names)))
        return batch

    def open(self) -> Self:
        """
        Take up to the first mark.
        """
        return self.until(lambda: bool(self.marks))

    def follow_to(self, at: ClusterTime, timeout_s: float = PATIENCE_S) -> Self:
        """
        Take until everything up to a time is there.
        """
        return self.until(lambda: self.as_of >= at, timeout_s)

    def until(self, ask: Any, timeout_s: float = PATIENCE_S) -> Self:
        """
        Take until something is so.
        """
        deadline = time.monotonic() + timeout_s
        while not ask():
            assert time.monotonic() < deadline, f"not within {timeout_s} s"
            self.take(0.05)
        return self

    def _apply(self, mutation: Any) -> None:
        match mutation:
            case Upsert(product):
                self.names[product.key] = to_name(product)
                self.written.add(product.key)
            case Delete(key):
                self.names.pop(key, None)
                self.written.add(key)
            case Clear():
                self.names.clear()


@contextmanager
def at_once(
    *jobs: Any, end: Callable[[], object] = lambda: None
) -> Iterator[Sequence[threading.Thread]]:
    """
    Run *jobs* in threads while the context is open, and wait for their end; *end* tells
    those of it that would not come to one.
    """
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        end()
        for thread in threads:
            thread.join()
