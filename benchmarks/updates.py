"""
Memory after ten updates of each product.
"""

from __future__ import annotations

import random
import time

from collections.abc import Iterator, Mapping
from typing import Final

from pymongo import UpdateOne

from benchmarks.catalogue import generate_new
from benchmarks.connection import Connection
from benchmarks.figures import Figure
from benchmarks.footprint import MB, visit
from benchmarks.process_stats import family_bytes
from benchmarks.seller import Seller
from benchmarks.served import until_served
from benchmarks.shop import Shop
from benchmarks.words import draw_rank, to_word
from benchmarks.zipf import Popularity
from recommender.store import StoreReader


EACH: Final = 10
MOST: Final = 1_000_000
AT_ONCE: Final = 1_000
TEXTS: Final = 0.1  # the others are prices
NEW_NAME: Final = 6  # words
SEED: Final = 6
LONGEST_S: Final = 600.0
LOOKS: Final = 2_000
LOOK_EVERY: Final = 10  # batches
LOOK_S: Final = 0.25  # between looks while it comes to rest
REST_S: Final = 5.0  # without a publication: what merges in the background is done


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield proportional memory of listener and server, in MB, once ten updates of each
    product are served, a million at most, and all is at rest, beside what it was
    before; the most of it meanwhile; and how many updates a second that were.
    """
    pair = shop.follow()
    count = min(EACH * shop.size, MOST)
    paths = [shop.similar_path(id_) for id_ in Popularity(shop.visible, 0).draw(LOOKS)]
    watch = _Watch(shop, {"listener": pair.listener.pid, "server": pair.server.pid})
    watch.until_at_rest()
    visit(pair.port, paths)
    before = watch.look()
    watch.most = dict(before)  # what a start took is no part of it
    started = time.monotonic()
    for place, batch in enumerate(_updates(shop, count)):
        shop.products.bulk_write(batch, ordered=False)
        if place % LOOK_EVERY == 0:
            watch.look()
    with Connection(pair.port) as connection:
        seller = Seller(shop.products, shop.visible, generate_new(SEED), SEED)
        until_served(connection, seller.change("price"), LONGEST_S)
    took_s = time.monotonic() - started
    watch.until_at_rest()
    visit(pair.port, paths)
    after = watch.look()
    for name in after:
        what = f"memory of the {name} after {count:,} updates (PSS)"
        yield Figure(
            f"updates.{name}",
            what, after[name] / MB, "MB", before[name] / MB, "before them",
        )  # fmt: skip
        yield Figure(
            f"updates.{name}.most",
            f"{what}, the most meanwhile", watch.most[name] / MB, "MB",
        )  # fmt: skip
    yield Figure("updates.rate", "these updates until served", count / took_s, "/s")


class _Watch:
    """
    What processes hold, and the most that was seen of it.
    """

    def __init__(self, shop: Shop, pids: Mapping[str, int]) -> None:
        self._reader = StoreReader(shop.folder / "model")
        self._pids = pids
        self.most = dict.fromkeys(pids, 0)

    def look(self) -> dict[str, int]:
        """
        Return what each process holds, with those that it has started.
        """
        seen = {name: family_bytes(pid) for name, pid in self._pids.items()}
        self.most = {name: max(self.most[name], seen[name]) for name in seen}
        return seen

    def until_at_rest(self) -> None:
        """
        Return once nothing has been published for a while.

        Raises:
            TimeoutError: Something ever was.
        """
        began = since = time.monotonic()
        last = self._reader.read_manifest().generation
        while time.monotonic() - since < REST_S:
            if time.monotonic() - began > LONGEST_S:
                msg = "the listener does not come to rest"
                raise TimeoutError(msg)
            time.sleep(LOOK_S)
            self.look()
            generation = self._reader.read_manifest().generation
            if generation != last:
                last, since = generation, time.monotonic()


def _updates(shop: Shop, count: int) -> Iterator[list[UpdateOne]]:
    """
    Yield *count* updates, in batches.
    """
    draw = random.Random(SEED)  # noqa: S311 no secret
    for start in range(0, count, AT_ONCE):
        yield [_one(draw, shop) for _ in range(min(AT_ONCE, count - start))]


def _one(draw: random.Random, shop: Shop) -> UpdateOne:
    id_ = draw.choice(shop.visible)
    if draw.random() < TEXTS:
        name = " ".join(to_word(draw_rank(draw)) for _ in range(NEW_NAME))
        return UpdateOne({"_id": id_}, {"$set": {"name": name}})
    price = round(draw.uniform(1, 1_000), 2)
    return UpdateOne({"_id": id_}, {"$set": {"price": price}})
