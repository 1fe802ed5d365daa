"""
A database that may be harmed, with a shop that is followed and served.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from listener.demo.mongod import Mongod
from listener.mongo.client import APP_NAME
from recommender.manifest import Manifest
from recommender.store import CURRENT, DURABLE, StoreReader
from tests.support.matrix import Products, Scene, observed, wait_until_current
from tests.support.mongo import make_mongod
from tests.support.oplog import roll_oplog
from tests.support.processes import Pair, running, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


STOCK: Final = 120  # products; enough for the shrink guard to care
# Products that rows leave alone, unless they take all: visitors ask about these.
REGULARS: Final = tuple(make_document(i)["_id"] for i in range(8))
OPLOG_MB: Final = 32
HOLD_CURSORS: Final = "waitAfterPinningCursorBeforeGetMoreBatch"  # a fail point
SELECTION_MS: Final = 10_000  # a client of a set that is no more leaves it at last
SETTINGS: Final = {
    # Long enough for a row to put back in it what it has taken, on a busy machine.
    "EVERSHELF_SHRINK_GRACE_S": "4",
    "EVERSHELF_DURABLE_INTERVAL_S": "0.5",
}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """
    A mongod, a client for the test's own writes, and a pair.
    """

    mongod: Mongod
    client: MongoClient[Document]
    pair: Pair

    @property
    def collection(self) -> Products:
        """
        What the pair follows.
        """
        return self.client["shop"]["products"]

    def set_up(self) -> None:
        """
        Have the stock in the collection, and a pair that follows and serves it.
        """
        self.heal()
        for process in (self.pair.listener, self.pair.server):
            if not process.is_running:
                process.start()
        stock = [make_document(i) for i in range(STOCK)]
        if list(self.collection.find(sort=[("_id", 1)])) != by_id(stock):
            self.collection.delete_many({})
            self.collection.insert_many(stock)
        wait_until_current(self.pair, self.collection)
        wait_for(lambda: self.pair.control("/").json["failures"] == 0, what="peace")

    def fail(self, commands: list[str], *, mode: Any = "alwaysOn", **data: Any) -> None:
        """
        Let commands of the listener fail or wait, as `failCommand` does.
        """
        self.client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode=mode,
            data={"failCommands": commands, "appName": APP_NAME, **data},
        )

    def heal(self) -> None:
        """
        Let no command fail any more.
        """
        self.client.admin.command("configureFailPoint", "failCommand", mode="off")

    @contextmanager
    def cursors_held(self) -> Iterator[None]:
        """
        Let no cursor bring more for as long as the context lasts.
        """
        admin = self.client.admin
        admin.command("configureFailPoint", HOLD_CURSORS, mode="alwaysOn")
        try:
            yield
        finally:
            admin.command("configureFailPoint", HOLD_CURSORS, mode="off")

    @property
    def store(self) -> StoreReader:
        """
        What the pair shares.
        """
        return StoreReader(self.pair.data_dir / "model")

    def wait_durable(self) -> Manifest:
        """
        Return the durable manifest, once it is of what servers have.
        """

        def ask() -> Manifest | None:
            durable = self.store.read_pointer(DURABLE)
            current = self.store.read_pointer(CURRENT)
            return durable if durable.generation == current.generation else None

        found = wait_for(ask, what="a durable generation")
        assert found is not None
        return found

    def stream_operation(self) -> Document:
        """
        Return what the database is doing for the listener's stream.
        """
        what = {
            "appName": APP_NAME, "op": "getmore", "command.getMore": {"$exists": True},
            "cursor": {"$exists": True},  # it takes the cursor a moment after it begins
        }  # fmt: skip
        pipeline: list[Document] = [{"$currentOp": {}}, {"$match": what}]
        return wait_for(lambda: next(iter(self.client.admin.aggregate(pipeline)), None))

    def roll_oplog(self) -> None:
        """
        Write until all that was written before has left the oplog.
        """
        roll_oplog(self.client)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """
    Yield a stage whose oplog can be rolled.
    """
    with (
        make_mongod(
            folder / "mongod", oplog_mb=OPLOG_MB, options=("--syncdelay=1",)
        ) as mongod,
        MongoClient[Document](
            mongod.uri, serverSelectionTimeoutMS=SELECTION_MS
        ) as client,
    ):
        client["shop"]["products"].insert_many(map(make_document, range(STOCK)))
        uri = to_uri(mongod.uri, "shop")
        with running(folder / "data", uri, SETTINGS) as pair:
            yield Stage(mongod, client, pair)


@contextmanager
def on_stage(stage: Stage, query: str = "") -> Iterator[Scene]:
    """
    Yield a scene that begins with the stock followed, served and asked about.
    """
    stage.set_up()
    try:
        with observed(stage.pair, stage.collection, REGULARS, query) as scene:
            yield scene
    finally:
        stage.heal()


def by_id(documents: list[Document]) -> list[Document]:
    """
    Return documents in the order of their ids.
    """
    return sorted(documents, key=lambda document: document["_id"])
