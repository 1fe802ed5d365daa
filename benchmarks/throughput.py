"""
What one server worker can do, and what each answer costs.
"""

from __future__ import annotations

import math
import time

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from benchmarks.bare_server import bare_server
from benchmarks.children import SPAWN
from benchmarks.connection import Connection
from benchmarks.driver import drive
from benchmarks.figures import Figure
from benchmarks.process_stats import processor_s
from benchmarks.shop import Shop
from benchmarks.steady import done_so_far, steady_writes
from benchmarks.zipf import Popularity


SEED: Final = 5
CHANGES_PER_S: Final = 10.0
MOST_PATHS: Final = 50_000
RISING_S: Final = 0.5
REMEMBERED: Final = b"evershelf_server_remembered_total "


@dataclass(slots=True)
class _Worked:
    """
    A server under full load, over all windows.
    """

    answers: int = 0
    errors: int = 0
    body_bytes: int = 0
    seconds: float = 0.0
    used_s: float = 0.0
    remembered: float = 0.0

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds

    @property
    def ms_each(self) -> float:
        return self.used_s / self.answers * 1000


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield answers a second and processor time per answer, with ids by Zipf (warm) and
    with each id once (cold), while ten changes a second go on.
    """
    pair = shop.follow()
    visible = Popularity(shop.visible, shop.effort.seed)
    warm = [shop.similar_path(id_) for id_ in visible.draw(MOST_PATHS)]
    cold = [shop.similar_path(id_) for id_ in visible.once(MOST_PATHS)]
    worked = {name: _Worked() for name in ("warm", "cold", "bare")}
    with Connection(pair.port) as connection:
        body = connection.get(warm[0]).body
    with (
        bare_server(body) as bare,
        steady_writes(shop.uri, shop.visible, CHANGES_PER_S, SEED) as writes,
        ProcessPoolExecutor(1, SPAWN) as pool,
    ):
        window_s = shop.effort.window_s
        for turn in range(shop.effort.rounds):
            start = math.floor(turn * len(cold) / shop.effort.rounds)
            for name, port, pid, paths in (
                ("warm", pair.port, pair.server.pid, warm),
                ("bare", bare.port, bare.pid, warm),
                ("cold", pair.port, pair.server.pid, cold[start:] + cold[:start]),
            ):
                _work(worked[name], pool, port, pid, paths, window_s)
        done_so_far(writes)  # it has not ended
    yield from _figures(worked)


def _work(  # noqa: PLR0913, PLR0917 what a window is made of
    worked: _Worked,
    pool: ProcessPoolExecutor,
    port: int,
    pid: int,
    paths: Sequence[str],
    window_s: float,
) -> None:
    pool.submit(drive, port, paths[:1], RISING_S).result()
    known = _remembered(port)
    before_s, started = processor_s(pid), time.monotonic()
    driven = pool.submit(drive, port, paths, window_s).result()
    worked.used_s += processor_s(pid) - before_s
    worked.seconds += time.monotonic() - started
    worked.remembered += _remembered(port) - known
    worked.answers += driven.answers
    worked.errors += driven.errors
    worked.body_bytes += driven.body_bytes


def _remembered(port: int) -> float:
    """
    Return how many answers a server has remembered; 0 where it is another's.
    """
    with Connection(port) as connection:
        answer = connection.get("/metrics")
    if answer.status != HTTPStatus.OK:
        return 0.0
    return next(
        float(line.rpartition(b" ")[2])
        for line in answer.body.splitlines()
        if line.startswith(REMEMBERED)
    )


def _figures(worked: dict[str, _Worked]) -> Iterator[Figure]:
    bare = worked["bare"]
    for name, what in (("warm", "ids by Zipf"), ("cold", "each id once")):
        ours = worked[name]
        details = {
            "answers": ours.answers,
            "errors": ours.errors,
            "remembered": round(ours.remembered / max(1, ours.answers), 3),
            "bytes_each": round(ours.body_bytes / max(1, ours.answers)),
            "bare_bytes_each": round(bare.body_bytes / max(1, bare.answers)),
        }
        yield Figure(
            f"throughput.{name}.rate",
            f"answers of one worker, {what}",
            ours.per_s,
            "/s",
            bare.per_s,
            "bare aiohttp",
            details,
        )
        yield Figure(
            f"throughput.{name}.processor",
            f"processor time of an answer, {what}",
            ours.ms_each,
            "ms",
            bare.ms_each,
            "bare aiohttp",
            details,
        )
