"""
A shop to measure in: a real database with a catalogue, and both processes beside it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import time

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from benchmarks.arrival import await_answer
from benchmarks.catalogue import Document
from listener.demo.binary import find_mongod
from listener.demo.mongod import Mongod
from listener.keys import to_key
from recommender.address import to_address
from recommender.position import State
from recommender.snapshot import Snapshot
from recommender.store import StoreReader
from tests.support.processes import Pair, make_pair, to_uri


PRODUCTS: Final = "products"
BESIDE: Final = "beside"  # what only the plain stream follows
INSERTED_AT_ONCE: Final = 1_000
OPLOG_MB: Final = 4_000
POLL_S: Final = 0.002
TENTH: Final = 10
FOLLOWING_S: Final = 3600.0

Products = Collection[Document]
Documents = Callable[[], Iterator[Document]]


@dataclass(frozen=True)
class Effort:
    """
    How long to measure.

    Attributes:
        samples: Writes of each kind, and three times as many queries.
        window_s: Of a steady load.
        rounds: How often what takes seconds is repeated.
        seed: Of all that is drawn.
        longest_s: Until what stands beside is ended, if it takes longer.
    """

    samples: int = 150
    window_s: float = 4.0
    rounds: int = 3
    seed: int = 0
    longest_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where shops are opened.

    Attributes:
        uri: Of a replica set.
        folder: For models and logs.
    """

    uri: str
    folder: Path


@dataclass(slots=True)
class Shop:
    """
    One catalogue in a database of its own.

    Attributes:
        uri: With the database in its path.
        documents: Yields the catalogue, each time from its beginning, and more.
        size: How many of them make up the catalogue.
        ids: Of all products, once it is loaded.
        landmark: An approved product that nobody changes.
        visible: Of the other approved products.
    """

    uri: str
    folder: Path
    documents: Documents
    size: int
    effort: Effort
    ids: list[object] = field(default_factory=list)
    landmark: object = None
    visible: list[object] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _client: MongoClient[Document] | None = None
    _pair: Pair | None = None

    def beside(self) -> Shop:
        """
        Return another shop, empty, that is to have the same catalogue.
        """
        uri = self.uri.replace("?", "_beside?")
        folder = self.folder.with_name(f"{self.folder.name}-beside")
        return Shop(uri, folder, self.documents, self.size, self.effort)

    @property
    def database(self) -> Database[Document]:
        """
        The shop's.
        """
        if self._client is None:
            self._client = self._stack.enter_context(MongoClient(self.uri))
        return self._client.get_default_database()

    @property
    def products(self) -> Products:
        """
        The collection that is followed.
        """
        return self.database[PRODUCTS]

    def catalogue(self) -> Iterator[Document]:
        """
        Yield the shop's documents.
        """
        return itertools.islice(self.documents(), self.size)

    def load(self) -> None:
        """
        Put the catalogue into the database, if it is not there.
        """
        if self.ids:
            return
        for batch in _batched(self.catalogue()):
            self.products.insert_many(batch, ordered=False)
            self.ids += [document["_id"] for document in batch]
            self.visible += [d["_id"] for d in batch if d["status"] == "approved"]
        self.landmark = self.visible.pop(0)

    def follow(self) -> Pair:
        """
        Return a pair that follows the loaded catalogue and serves it.
        """
        self.load()
        pair = self.pair
        if not pair.listener.is_running:
            pair.listener.start()
        if not pair.server.is_running:
            pair.server.start()
        self.await_following(pair)
        self.await_served()
        return pair

    def parted(self) -> tuple[list[object], list[object]]:
        """
        Return every tenth visible product, and all others: one of both can be changed
        while the other stays as it is.
        """
        others = [id_ for n, id_ in enumerate(self.visible) if n % TENTH]
        return self.visible[::TENTH], others

    def stop(self) -> None:
        """
        Stop both processes.
        """
        if self._pair is not None:
            for process in (self._pair.server, self._pair.listener):
                if process.is_running:
                    process.stop()

    def forget(self) -> None:
        """
        Stop both processes, and remove the model and their logs.
        """
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    @property
    def pair(self) -> Pair:
        """
        The two processes, running or not.
        """
        if self._pair is None:
            self._pair = self._stack.enter_context(make_pair(self.folder, self.uri))
        return self._pair

    def reader(self) -> StoreReader:
        """
        Return a reader of the model.
        """
        return StoreReader(self.folder / "model")

    def snapshot(self) -> Snapshot:
        """
        Return the model that is served.
        """
        reader = self.reader()
        return Snapshot.derive(reader.load(reader.read_manifest()))

    def await_served(self) -> float:
        """
        Return after how many seconds a recommendation was answered.

        Raises:
            RuntimeError: One of both processes has ended.
        """
        pair = self.pair
        try:
            return await_answer(
                pair.port,
                self.similar_path(self.landmark),
                lambda: pair.listener.is_running and pair.server.is_running,
            )
        except TimeoutError as error:
            said = pair.listener.text[-2000:] + pair.server.text[-2000:]
            msg = f"the pair does not answer; it said:\n{said}"
            raise RuntimeError(msg) from error

    def await_following(self, pair: Pair, *, since_s: float = 0.0) -> None:
        """
        Wait until the listener says that it follows.

        Args:
            since_s: Unix time before which it does not count.
        """
        reader = self.reader()
        deadline = time.monotonic() + FOLLOWING_S
        while time.monotonic() < deadline and pair.listener.is_running:
            position = reader.read_position()
            if (
                position is not None
                and position.state is State.FOLLOWING
                and position.written_at_s > since_s
            ):
                return
            time.sleep(POLL_S)
        msg = f"the listener does not follow; it said:\n{pair.listener.text[-2000:]}"
        raise RuntimeError(msg)

    @staticmethod
    def product_path(id_: object) -> str:
        """
        Return the address of a product.
        """
        return f"/v1/products/{to_address(to_key(id_))}"

    @classmethod
    def similar_path(cls, id_: object) -> str:
        """
        Return the address of its recommendations.
        """
        return f"{cls.product_path(id_)}/similar"

    def close(self) -> None:
        """
        End it all, and forget the data.
        """
        self.database.client.drop_database(self.database.name)
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def running_mongod(folder: Path) -> Iterator[Mongod]:
    """
    Yield a mongod whose oplog holds what a benchmark writes.
    """
    chosen = os.environ.get("EVERSHELF_MONGOD")
    binary = find_mongod(Path(chosen) if chosen else None, aside=folder / "bin")
    with Mongod(binary, folder, options=[f"--oplogSize={OPLOG_MB}"]) as mongod:
        yield mongod


@contextmanager
def open_shop(
    place: Place, name: str, documents: Documents, size: int, effort: Effort
) -> Iterator[Shop]:
    """
    Yield an empty shop; nothing is left of it afterwards.
    """
    uri = to_uri(place.uri, name)
    shop = Shop(uri, place.folder / name, documents, size, effort)
    try:
        yield shop
    finally:
        shop.close()


def insert_all(collection: Products, documents: Iterable[Document]) -> None:
    """
    Insert *documents* as fast as one client can.
    """
    for batch in _batched(documents):
        collection.insert_many(batch, ordered=False)


def _batched(documents: Iterable[Document]) -> Iterator[list[Document]]:
    left = iter(documents)
    while batch := list(itertools.islice(left, INSERTED_AT_ONCE)):
        yield batch
