"""
Stopped and started again, with nothing changed meanwhile.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from statistics import median

from benchmarks.bare_server import bare_server
from benchmarks.figures import Figure
from benchmarks.shop import Shop


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the listener's seconds until it follows, and the server's until its first
    answer.
    """
    pair = shop.follow()
    following, answering, bare = [], [], []
    for _ in range(shop.effort.rounds):
        pair.listener.stop()
        since_s, started = time.time(), time.monotonic()
        pair.listener.start()
        shop.await_following(pair, since_s=since_s)
        following.append(time.monotonic() - started)
        pair.server.stop()
        pair.server.start()
        answering.append(shop.await_served())
        with bare_server(b"{}") as server:
            bare.append(server.started_s)
    yield Figure(
        "restart.listener",
        "listener started again until it follows",
        median(following),
        "s",
        details={"all_s": following},
    )
    yield Figure(
        "restart.server",
        "server started again until it answers",
        median(answering),
        "s",
        median(bare),
        "bare aiohttp",
        {"all_s": answering, "bare_s": bare},
    )
