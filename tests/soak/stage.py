"""
A shop on one database, followed and served.
"""

from __future__ import annotations

import itertools
import random

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from pymongo.collection import Collection

from listener.mongo.client import CODEC
from tests.chaos.cluster import Cluster
from tests.chaos.journal import Journal
from tests.chaos.log_tail import LogTail
from tests.chaos.shopfront import SERVING_S, Shopfront
from tests.chaos.stock import (
    ANCHORS,
    DATABASE,
    NAME,
    POOL,
    Document,
    make_anchor,
    make_document,
)
from tests.soak.ballast import ballast
from tests.support.mongo import replica_set
from tests.support.processes import make_pair, to_uri
from tests.support.waiting import wait_for


OPLOG_MB: Final = 1_000
AT_ONCE: Final = 1_000  # documents


@dataclass(frozen=True, slots=True)
class Stage:
    """
    All that is running.
    """

    shopfront: Shopfront
    cluster: Cluster
    logs: Sequence[LogTail]

    @property
    def products(self) -> Collection[Document]:
        """
        What is followed.
        """
        return _products(self.cluster)


@contextmanager
def staged(folder: Path, products: int, seed: int, journal: Journal) -> Iterator[Stage]:
    """
    Yield a shop with so many products, and a few that writers play with.
    """
    with (
        replica_set(folder / "mongod", members=1, oplog_mb=OPLOG_MB) as replicas,
        Cluster(replicas) as cluster,
    ):
        chance = random.Random(f"{seed}/stock")
        _insert(cluster, (make_anchor(number, chance) for number in range(ANCHORS)))
        _insert(cluster, (make_document(n, chance) for n in range(0, POOL, 2)))
        _insert(cluster, ballast(products))
        with make_pair(folder / "data", to_uri(cluster.uri, DATABASE)) as pair:
            pair.listener.start()
            pair.server.start()
            shopfront = Shopfront(pair, journal)
            wait_for(
                lambda: shopfront.ask("/health/live").status == HTTPStatus.OK,
                timeout_s=SERVING_S,
                what="the server",
            )
            shopfront.await_following(cluster.now())
            logs = [
                LogTail(name, folder / "data" / f"{name}.log", journal)
                for name in ("listener", "server")
            ]
            yield Stage(shopfront, cluster, logs)


def _insert(cluster: Cluster, documents: Iterable[Document]) -> None:
    left = iter(documents)
    while batch := list(itertools.islice(left, AT_ONCE)):
        _products(cluster).insert_many(batch, ordered=False)


def _products(cluster: Cluster) -> Collection[Document]:
    return cluster.client[DATABASE].get_collection(NAME, codec_options=CODEC)
