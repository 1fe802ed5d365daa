"""
Faults of the collection: swapped, dropped, renamed, together with its database.
"""

from __future__ import annotations

import random
import time

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from tests.chaos.actors import Gate
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault
from tests.chaos.insist import insist
from tests.chaos.shopfront import LONGEST_GRACE_S, Shopfront
from tests.chaos.stock import ANCHORS, DATABASE, NAME, anchor_id
from tests.chaos.writers import DUPLICATE, to_codes


RAW: Final = CodecOptions(document_class=RawBSONDocument)
ASIDE: Final = "products_aside"
GAP_S: Final = (0.0, 3.0)
HELD_S: Final = (1.0, 4.0)  # well within the grace time
IS_ANCHOR: Final = {"_id": {"$in": [anchor_id(number) for number in range(ANCHORS)]}}


class CollectionFaults:
    """
    One at a time. All anchors are there again after each.
    """

    def __init__(self, shopfront: Shopfront, cluster: Cluster, writers: Gate) -> None:
        self._shopfront = shopfront
        self._cluster = cluster
        self._writers = writers
        self._database: Database[Any] = cluster.client.get_database(
            DATABASE, codec_options=RAW
        )
        self._products = self._database[NAME]
        self._aside = self._database[ASIDE]

    @property
    def faults(self) -> Mapping[str, Fault]:
        """
        By name.
        """
        return {
            "$out over": self._out_over,
            "rename over": self._rename_over,
            "swap in fewer": self._swap_in_fewer,
            "drop, insert again": self._drop,
            "drop, insert again, held": self._drop_held,
            "rename away and back": self._rename_away,
            "drop database": self._drop_database,
        }

    def _out_over(self, _chance: random.Random) -> None:
        insist(lambda: self._products.aggregate([{"$out": NAME}]))

    def _rename_over(self, chance: random.Random) -> None:
        changed = {"$set": {"rating": chance.randint(1, 5)}}
        insist(lambda: self._swap([changed, {"$out": ASIDE}]))

    def _swap_in_fewer(self, _chance: random.Random) -> None:
        insist(lambda: self._swap([{"$match": IS_ANCHOR}, {"$out": ASIDE}]))

    def _drop(self, chance: random.Random) -> None:
        with self._clearance():
            documents = self._read()
            insist(self._products.drop)
            time.sleep(chance.uniform(*GAP_S))
            insist(lambda: self._insert(documents))

    def _drop_database(self, chance: random.Random) -> None:
        with self._clearance():
            documents = self._read()
            insist(lambda: self._cluster.client.drop_database(DATABASE))
            time.sleep(chance.uniform(*GAP_S))
            insist(lambda: self._insert(documents))

    def _rename_away(self, chance: random.Random) -> None:
        with self._clearance():
            insist(self._aside.drop)
            insist(self._move_away)
            time.sleep(chance.uniform(*GAP_S))
            insist(self._move_back)

    def _drop_held(self, chance: random.Random) -> None:
        """
        Drop all while nothing else happens: visitors must not see it.
        """
        with self._cluster.lock, self._shopfront.listener_lock:
            self._writers.close()
            try:
                self._cluster.await_whole()
                self._shopfront.stop_listener()
                self._shopfront.start_listener(LONGEST_GRACE_S)
                self._shopfront.await_following(self._cluster.now())
                documents = self._read()
                insist(self._products.drop)
                time.sleep(chance.uniform(*HELD_S))
                insist(lambda: self._insert(documents))
                self._shopfront.await_following(self._cluster.now())
            finally:
                self._writers.open()

    def _read(self) -> Sequence[Any]:
        """
        Return all documents, anchors first: the shrink guard lets a half pass.
        """
        anchors = insist(lambda: list(self._products.find(IS_ANCHOR)))
        others = insist(lambda: list(self._products.find({"$nor": [IS_ANCHOR]})))
        assert len(anchors) == ANCHORS
        return [*anchors, *others]

    def _insert(self, documents: Sequence[Any]) -> None:
        try:
            self._products.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if to_codes(error) != {DUPLICATE}:
                raise

    def _swap(self, stages: Sequence[Mapping[str, Any]]) -> None:
        self._products.aggregate(stages)
        self._aside.rename(NAME, dropTarget=True)

    def _move_away(self) -> None:
        if not self._is_aside():  # else it was moved, and only the answer was lost
            self._products.rename(ASIDE)

    def _move_back(self) -> None:
        if self._is_aside():
            self._aside.rename(NAME, dropTarget=True)

    def _is_aside(self) -> bool:
        return ASIDE in self._database.list_collection_names()

    @contextmanager
    def _clearance(self) -> Iterator[None]:
        """
        Excuse missing anchors until what was inserted in the end is served.
        """
        with self._shopfront.clearances.opened():
            yield
            self._shopfront.await_served(self._cluster.now())
