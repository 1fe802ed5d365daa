"""
A shop whose database nobody else uses: its oplog holds nothing but its own writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from listener.demo.mongod import Mongod
from tests.support.mongo import make_mongod
from tests.support.processes import Pair, running, to_uri
from tests.support.shop import make_document


@contextmanager
def own_shop(
    tmp_path: Path, **more: Any
) -> Iterator[tuple[Mongod, Pair, Collection[dict[str, Any]]]]:
    """
    Yield a shop of 58 products whose database is its own. More arguments are those of
    `make_mongod`.
    """
    with (
        make_mongod(tmp_path / "mongod", **more) as mongod,
        MongoClient[dict[str, Any]](mongod.uri) as client,
    ):
        collection = client["shop"]["products"]
        collection.insert_many([make_document(i) for i in range(58)])
        with running(tmp_path / "data", to_uri(mongod.uri, "shop")) as pair:
            yield mongod, pair, collection
