"""
The model of a collection in a store, and its verification, however the collection is
read.
"""

from __future__ import annotations

import dataclasses
import os
import time

from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from listener.build import build_range
from listener.clock import Clock
from listener.complaints import Complaints
from listener.feed import EVERYTHING
from listener.opening import open_source, to_weights
from listener.progress import Show
from listener.reading import ReadElsewhere, ReadHere
from listener.spread import Open, Order, Spread, never
from listener.verify import Report, Verification
from recommender.index import Index
from recommender.position import ClusterTime, Position, State
from recommender.store import Store, StoreReader
from tests.support.documents import make_settings
from tests.support.products import publish


AHEAD = ClusterTime(4_000_000_000, 1)  # of whatever the database's time is
DOCUMENTS = [
    {
        "_id": n,
        "name": f"kettle {n % 17} model-{n}",
        "category": f"c{n % 5}",
        "price": "dear" if n == 700 else n,
    }
    for n in range(1_000)
]

T = TypeVar("T")


class Proving:
    """
    A collection whose model is in a store, as of a time that is never over.
    """

    def __init__(self, uri: str, database: str, folder: Path) -> None:
        self.settings = make_settings(database=database)
        self.uri = uri
        self.folder = folder
        self.weights = to_weights(self.settings)

    def publish(self) -> None:
        """
        Put what is in the collection into the store.
        """
        with (
            open_source(self.settings, self.uri, self._complaints()) as source,
            Store.open(self.folder) as store,
        ):
            segment = build_range(source, EVERYTHING, self.weights, never)
            index = Index(self.weights, [segment])
            number = publish(store, index, as_of=AHEAD).generation
            store.write_position(
                Position(State.FOLLOWING, "", number, AHEAD, AHEAD, Clock().wall())
            )

    def verify(self, executor: Open | None = None, **more: Any) -> Report:
        """
        Compare both; by *executor*, if there is one. No time is told.
        """
        complaints = self._complaints()
        reading: Any = ReadHere(self.weights)
        if executor is not None:
            spread = Spread(Order(self.settings, self.uri), executor)
            reading = ReadElsewhere(spread, complaints, reading)
        with open_source(self.settings, self.uri, complaints) as source:
            reader = StoreReader(self.folder)
            report = Verification(
                source, reader, self.weights, Clock(), reading=reading, **more
            ).run()
        return dataclasses.replace(report, took_s=0.0)

    def _complaints(self) -> Complaints:
        return Complaints(Clock().monotonic)


def spoil(collection: Any) -> None:
    """
    Let the collection differ from its model in several ways.
    """
    collection.update_one({"_id": 3}, {"$set": {"price": 0.5}})
    collection.update_one({"_id": 990}, {"$set": {"name": "lamp"}})
    collection.delete_one({"_id": 500})
    collection.insert_one({"_id": "new", "name": "kettle 5"})


def at_first(happens: Callable[[], object]) -> Show:
    """
    Return what lets something happen when the first batch is there, and shows nothing.
    """

    def show(
        batches: Iterable[T], *, total: int, task: str, clock: Clock
    ) -> Iterator[T]:
        del total, task, clock
        for number, batch in enumerate(batches):
            if number == 0:
                happens()
            yield batch

    return show


def be_busy(pid_file: Path) -> None:
    """
    Say which process this is, and then do something for ever.
    """
    pid_file.write_text(f"{os.getpid()}\n")
    while True:
        time.sleep(0.01)


def give_half() -> bytes:
    """
    Return something of which only the beginning is passed on before the process ends.
    """

    def send_half(self: Any, content: Any, *_: Any) -> None:
        os.write(self.fileno(), bytes(content)[:2])
        os._exit(1)

    Connection._send = send_half  # type: ignore[attr-defined]
    return bytes(100_000)
