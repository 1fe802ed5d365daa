"""
Memory after ten updates of each product.
"""

from __future__ import annotations

import random
import time

from collections.abc import Iterator
from typing import Final

from pymongo import UpdateOne

from benchmarks.catalogue import generate_new
from benchmarks.connection import Connection
from benchmarks.figures import Figure
from benchmarks.footprint import MB, visit
from benchmarks.process_stats import proportional_bytes
from benchmarks.seller import Seller
from benchmarks.served import until_served
from benchmarks.shop import Shop
from benchmarks.words import draw_rank, to_word
from benchmarks.zipf import Popularity


EACH: Final = 10
MOST: Final = 1_000_000
AT_ONCE: Final = 1_000
TEXTS: Final = 0.1  # the others are prices
NEW_NAME: Final = 6  # words
SEED: Final = 6
LONGEST_S: Final = 600.0
LOOKS: Final = 2_000
REST_S: Final = 5.0  # for what merges in the background


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield proportional memory of listener and server, in MB, once ten updates of each
    product are served, a million at most, beside what it was before; and how many
    updates a second that were.
    """
    pair = shop.follow()
    count = min(EACH * shop.size, MOST)
    paths = [shop.similar_path(id_) for id_ in Popularity(shop.visible, 0).draw(LOOKS)]
    processes = {"listener": pair.listener.pid, "server": pair.server.pid}
    before = _memory(pair.port, paths, processes)
    started = time.monotonic()
    _update(shop, count)
    with Connection(pair.port) as connection:
        seller = Seller(shop.products, shop.visible, generate_new(SEED), SEED)
        until_served(connection, seller.change("price"), LONGEST_S)
    took_s = time.monotonic() - started
    after = _memory(pair.port, paths, processes)
    for name in processes:
        yield Figure(
            f"updates.{name}",
            f"memory of the {name} after {count:,} updates (PSS)",
            after[name] / MB,
            "MB",
            before[name] / MB,
            "before them",
        )
    yield Figure("updates.rate", "these updates until served", count / took_s, "/s")


def _memory(port: int, paths: list[str], pids: dict[str, int]) -> dict[str, int]:
    """
    Return what each process holds once it has rested and answered.
    """
    time.sleep(REST_S)
    visit(port, paths)
    return {name: proportional_bytes(pid) for name, pid in pids.items()}


def _update(shop: Shop, count: int) -> None:
    draw = random.Random(SEED)  # noqa: S311 no secret
    for start in range(0, count, AT_ONCE):
        batch = [_one(draw, shop) for _ in range(min(AT_ONCE, count - start))]
        shop.products.bulk_write(batch, ordered=False)


def _one(draw: random.Random, shop: Shop) -> UpdateOne:
    id_ = draw.choice(shop.visible)
    if draw.random() < TEXTS:
        name = " ".join(to_word(draw_rank(draw)) for _ in range(NEW_NAME))
        return UpdateOne({"_id": id_}, {"$set": {"name": name}})
    price = round(draw.uniform(1, 1_000), 2)
    return UpdateOne({"_id": id_}, {"$set": {"price": price}})
