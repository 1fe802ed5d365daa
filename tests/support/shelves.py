"""
Listeners that publish in a database, for tests.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from pymongo.database import Database

from listener.copies.pointer import LEASE_S
from listener.mongo.shelf import Shelf
from recommender.index import Index
from recommender.manifest import Manifest
from recommender.mutation import Upsert
from recommender.position import Position, State
from recommender.store import Store
from tests.support.products import make_product, publish


POINTER: Final = "evershelf.model.pointer"
CHUNKS: Final = "evershelf.model.chunks"


def silence(database: Database[dict[str, Any]], seconds: float = LEASE_S) -> None:
    """
    Let it be longer ago that the publisher spoke.
    """
    ago = {"$dateSubtract": {"startDate": "$$NOW", "unit": "second", "amount": seconds}}
    database[POINTER].update_one({}, [{"$set": {"written": ago}}])


def said(manifest: Manifest, state: State = State.FOLLOWING) -> Position:
    """
    Return what a listener says that has published *manifest*.
    """
    return Position(
        state, "", manifest.generation, manifest.as_of, manifest.as_of, 1_700_000_000.5
    )


class Origin:
    """
    A listener's store, and its index.
    """

    def __init__(self, store: Store, index: Index) -> None:
        self.store = store
        self._index = index
        self.newest = publish(store, index)

    def change(self, id_: str = "new", **values: Any) -> Manifest:
        """
        Publish one product more, with *values* in the manifest; return that.
        """
        self._index.apply([Upsert(make_product(id_, "tea"))])
        self.newest = publish(self.store, self._index, **values)
        return self.newest

    def open_segment(self, name: str) -> BinaryIO:
        """
        Open a segment's file.
        """
        return self.store.open_segment(name)

    def put(self, shelf: Shelf, manifest: Manifest | None = None) -> int:
        """
        Publish a generation, the newest unless told, on a shelf.
        """
        chosen = manifest or self.newest
        return shelf.publish(chosen, said(chosen), self.open_segment)
