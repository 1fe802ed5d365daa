"""
Documents as a shop's backend writes them.
"""

from __future__ import annotations

import random
import threading

from collections.abc import Collection as Some
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from pymongo.errors import PyMongoError


KINDS: Final = ("kettle", "lamp", "jacket", "tent")
COLOURS: Final = ("red", "blue", "green", "grey", "black", "white")


def make_document(number: int, **changes: Any) -> dict[str, Any]:
    """
    Return an approved product; products of one kind are alike.
    """
    kind = KINDS[number % len(KINDS)]
    return {
        "_id": f"{kind}-{number}",
        "name": f"{kind} number{number}",
        "description": f"A good {kind} for every day",
        "category": f"{kind}s",
        "price": 10.0 + number,
        "stock": number % 3,
        "status": "approved",
    } | changes


class Seller:
    """
    Writes at random, each kind of write a shop makes; seeded.
    """

    def __init__(self, collection: Any, seed: int, spared: Some[str] = ()) -> None:
        """
        Write to *collection*, but not to the products *spared*.
        """
        self._collection = collection
        self._random = random.Random(seed)
        self._number = 1_000
        found = collection.find({"_id": {"$nin": list(spared)}}, {"_id": 1})
        self._ids = [document["_id"] for document in found]
        self.writes = 0

    def write(self) -> None:
        """
        Write once.
        """
        self.writes += 1
        self._random.choice(
            (self._insert, self._reprice, self._rename, self._judge, self._delete)
        )()

    def _insert(self) -> None:
        self._number += 1
        document = make_document(self._number)
        self._collection.insert_one(document)
        self._ids.append(document["_id"])

    def _reprice(self) -> None:
        self._set({"price": round(self._random.uniform(1, 99), 2)})

    def _rename(self) -> None:
        words = self._random.sample((*COLOURS, *KINDS), 3)
        self._set({"name": " ".join(words)})

    def _judge(self) -> None:
        self._set({"status": self._random.choice(("approved", "rejected"))})

    def _set(self, values: dict[str, Any]) -> None:
        if self._ids:
            id_ = self._random.choice(self._ids)
            self._collection.update_one({"_id": id_}, {"$set": values})

    def _delete(self) -> None:
        if self._ids:
            id_ = self._ids.pop(self._random.randrange(len(self._ids)))
            self._collection.delete_one({"_id": id_})


@contextmanager
def selling(seller: Seller, *, every_s: float = 0.002) -> Iterator[None]:
    """
    Write in the background for as long as the context lasts. A seller whose database
    does not answer tries again.
    """
    done = threading.Event()

    def sell() -> None:
        while not done.wait(every_s):
            with suppress(PyMongoError):
                seller.write()

    thread = threading.Thread(target=sell)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
