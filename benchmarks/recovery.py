"""
What goes away and comes back: the database, for a moment or hanging, and the listener.
"""

from __future__ import annotations

import os
import random
import signal
import time

from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

from benchmarks.connection import Connection
from benchmarks.figures import Figure
from benchmarks.shop import Place, Shop, open_shop, running_mongod
from listener.demo.mongod import Mongod
from recommender.position import Position, State


OUTAGE_S: Final = (1.0, 4.0)  # long enough to be noticed, of no particular length
POLL_S: Final = 0.002
LONGEST_S: Final = 120.0


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield the seconds from the database's return until it is followed again, until one
    that hangs is noticed, and from SIGKILL of the listener until another follows; and
    the milliseconds that the server takes to answer meanwhile.

    The database is one of its own, with the same catalogue.
    """
    folder = shop.folder.with_name(f"{shop.folder.name}-recovery")
    effort = shop.effort
    with running_mongod(folder / "mongod") as mongod:
        place = Place(mongod.uri, folder)
        with open_shop(place, "shop", shop.documents, shop.size, effort) as own:
            own.follow()
            rest = random.Random(effort.seed)  # noqa: S311 a length is no secret
            kills = [_kill(own) for _ in range(effort.rounds)]
            outages = [
                _outage(own, mongod, rest.uniform(*OUTAGE_S))
                for _ in range(2 * effort.rounds - 1)
            ]
            hung_s = _hang(own, mongod)
    again = [again_s for again_s, _ in kills]
    answers = [answer_s * 1000 for _, answer_s in kills]
    yield _figure("outage", "database back until it is followed", outages, "s")
    yield _figure("hung", "database that hangs until it is noticed", [hung_s], "s")
    yield _figure("listener", "listener killed until another follows", again, "s")
    yield _figure("answer", "an answer right after that kill", answers, "ms")


def _outage(shop: Shop, mongod: Mongod, length_s: float) -> float:
    """
    Kill the database for so long; return the seconds from its return, when it takes
    writes again, until it is followed.
    """
    mongod.kill()
    time.sleep(length_s)
    _await_position(shop, lambda position: position.state is not State.FOLLOWING)
    mongod.start()
    returned_s = time.time()
    followed = _await_position(shop, lambda p: p.state is State.FOLLOWING)
    return max(0.0, followed.written_at_s - returned_s)


def _hang(shop: Shop, mongod: Mongod) -> float:
    """
    Suspend the database; return the seconds until the listener says that it is away.
    """
    os.kill(mongod.pid, signal.SIGSTOP)
    started_s = time.time()
    try:
        noticed = _await_position(shop, lambda p: p.state is State.RETRYING)
    finally:
        os.kill(mongod.pid, signal.SIGCONT)
    _await_position(shop, lambda position: position.state is State.FOLLOWING)
    return noticed.written_at_s - started_s


def _kill(shop: Shop) -> tuple[float, float]:
    """
    Kill the listener and start another; return the seconds until that one follows, and
    those of an answer right after the kill.
    """
    pair = shop.pair
    pair.listener.kill()
    since_s, started = time.time(), time.monotonic()
    with Connection(pair.port) as connection:
        connection.get(shop.similar_path(shop.landmark))
    answered_s = time.monotonic() - started
    pair.listener.start()
    shop.await_following(pair, since_s=since_s)
    return time.monotonic() - started, answered_s


def _await_position(shop: Shop, is_wanted: Callable[[Position], bool]) -> Position:
    reader = shop.reader()
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        position = reader.read_position()
        if position is not None and is_wanted(position):
            return position
        time.sleep(POLL_S)
    msg = f"it did not come; the listener said:\n{shop.pair.listener.text[-2000:]}"
    raise RuntimeError(msg)


def _figure(key: str, what: str, all_: list[float], unit: str) -> Figure:
    details = {"all": all_}
    return Figure(f"recovery.{key}", what, median(all_), unit, details=details)
