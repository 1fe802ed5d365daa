"""
A store that a test fills as a listener would, and what is asked of a server.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from recommender.index import Index
from recommender.manifest import Manifest
from recommender.mutation import Delete, Upsert
from recommender.position import ClusterTime, Position, State
from recommender.product import Product
from recommender.store import Store, StoreReader
from recommender.weights import Weights
from server.live import Live
from tests.support.products import WEIGHTS, make_key, make_product, publish


AS_OF = ClusterTime(1_700_000_000, 1)
PATIENCE_S = 60.0


class Shop:
    """
    A listener without a database.
    """

    def __init__(self, folder: Path, weights: Weights = WEIGHTS) -> None:
        self.folder = folder
        self.store = Store.open(folder)
        self.index = Index(weights)

    def put(self, *products: Product) -> None:
        """
        Take *products* into the index.
        """
        self.index.apply(map(Upsert, products))

    def remove(self, *ids: str) -> None:
        """
        Take the products with these ids out of it.
        """
        self.index.apply(Delete(make_key(id_)) for id_ in ids)

    def close(self) -> None:
        """
        Let go of the store.
        """
        self.store.close()

    def publish(self, **values: Any) -> Manifest:
        """
        Publish the index, with *values* in the manifest.
        """
        now = {"as_of": AS_OF, "now_s": time.time()}
        return publish(self.store, self.index, **now | values)

    def say(self, **values: Any) -> None:
        """
        Write the position of a listener that follows, but for *values*.
        """
        current = self.store.current
        defaults: dict[str, Any] = {
            "state": State.FOLLOWING,
            "reason": "",
            "generation": current.generation if current else 0,
            "as_of": AS_OF,
            "read_time": AS_OF,
            "written_at_s": time.time(),
        }
        self.store.write_position(Position(**defaults | values))


def make_shop(
    folder: Path, products: Iterable[Product] = (), weights: Weights = WEIGHTS
) -> Shop:
    """
    Return a shop whose listener has published *products* and follows.
    """
    shop = Shop(folder, weights)
    shop.put(*products)
    shop.publish()
    shop.say()
    return shop


def make_kettles() -> list[Product]:
    """
    Return four kettles, from the most to the least like the first, of which the
    third is hidden, and a tent.
    """
    return [
        make_product(
            "k1",
            "red steel kettle",
            category=("Home", "Kitchen"),
            brand="Aldo",
            price=20,
        ),
        make_product(
            "k2", "red steel kettle small", category=("Home", "Kitchen"), price=10
        ),
        make_product("k3", "red steel kettle pending", visible=False),
        make_product("k4", "blue kettle", brand="Brimm", price=30, in_stock=False),
        make_product("t1", "tent", category=("Outdoor",)),
    ]


async def until(is_reached: Callable[[], bool]) -> None:
    """
    Wait until *is_reached* holds; fail when it does not in time.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not is_reached():  # noqa: ASYNC110 files and threads tell no event
            await asyncio.sleep(0.001)


def make_live(folder: Path) -> Live:
    """
    Return what follows the store in *folder*, not yet started.
    """
    return Live(StoreReader(folder), asyncio.get_running_loop())
