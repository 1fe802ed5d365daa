"""
What two workers on one port cost beside one.
"""

from __future__ import annotations

import time

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.arrival import await_answer
from benchmarks.children import SPAWN
from benchmarks.driver import drive
from benchmarks.figures import NEARLY_ALL, Figure, to_ms
from benchmarks.process_stats import children_of, processor_s, proportional_bytes
from benchmarks.shop import Shop
from benchmarks.steady import done_so_far, steady_writes
from benchmarks.zipf import Popularity
from tests.support.processes import Process, make_pair


WORKERS: Final = 2
CHANGES_PER_S: Final = 10.0
SEED: Final = 8
DRAWN: Final = 50_000
RISING_S: Final = 0.5
MB: Final = 1e6


@dataclass(slots=True)
class _Service:
    """
    Processes on one port, and what they did in all windows.
    """

    server: Process
    port: int
    answers: int = 0
    errors: int = 0
    seconds: float = 0.0
    used_s: float = 0.0

    @property
    def pids(self) -> list[int]:
        """
        Who leads, if several do the work, and they.
        """
        return [self.server.pid, *children_of(self.server.pid)]

    @property
    def worker_pids(self) -> list[int]:
        return self.pids[1:] or self.pids

    @property
    def ms_each(self) -> float:
        return self.used_s / max(1, self.answers) * 1_000

    @property
    def per_s(self) -> float:
        return self.answers / self.seconds

    def work(
        self, pool: ProcessPoolExecutor, paths: Sequence[str], window_s: float
    ) -> None:
        """
        Answer for a window, as often as asked.
        """
        pool.submit(drive, self.port, paths[:1], RISING_S).result()
        pids = self.pids
        before_s, began = sum(map(processor_s, pids)), time.monotonic()
        driven = pool.submit(drive, self.port, paths, window_s).result()
        self.used_s += sum(map(processor_s, pids)) - before_s
        self.seconds += time.monotonic() - began
        self.answers += driven.answers
        self.errors += driven.errors

    def reached_s(self, since: int) -> list[float]:
        """
        Return for each generation and worker how long after its publication it was
        served, in seconds.
        """
        lines = self.server.logs("model.loaded", since=since)
        return [line["since_publish_ms"] / 1_000 for line in lines]


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield processor time per answer, answers a second, failed answers, the time in which
    a generation reaches all, and the memory of a worker, while ten changes a second go
    on; of two workers beside one.
    """
    pair = shop.follow()
    changing, asked = shop.parted()
    paths = [
        shop.similar_path(id_)
        for id_ in Popularity(asked, shop.effort.seed).draw(DRAWN)
    ]
    settings = {"EVERSHELF_WORKERS": str(WORKERS)}
    with (
        make_pair(
            shop.folder / "workers", shop.uri, _settings_of(shop, settings)
        ) as more,
        steady_writes(shop.uri, changing, CHANGES_PER_S, SEED) as writes,
        ProcessPoolExecutor(1, SPAWN) as pool,
    ):
        more.server.start()
        await_answer(more.port, paths[0], lambda: more.server.is_running)
        for number in range(1, WORKERS + 1):
            more.server.wait_for_log("server.started", worker=number, timeout_s=60)
        alone = _Service(pair.server, pair.port)
        several = _Service(more.server, more.port)
        since = pair.server.printed, more.server.printed
        for _ in range(shop.effort.rounds):
            for service in (alone, several):
                service.work(pool, paths, shop.effort.window_s)
        done_so_far(writes)  # it has not ended
        reached_s = alone.reached_s(since[0]), several.reached_s(since[1])
        memory = max(map(proportional_bytes, several.worker_pids)) / MB
        yield from _figures(alone, several, reached_s)
        yield Figure(
            "workers.memory",
            f"memory of one of {WORKERS} workers (PSS)",
            memory,
            "MB",
            proportional_bytes(alone.server.pid) / MB,
            "one server",
        )


def _settings_of(shop: Shop, settings: dict[str, str]) -> dict[str, str]:
    """
    Return *settings* of a server on the shop's store, whose log is elsewhere.
    """
    return settings | {"EVERSHELF_DATA_DIR": str(shop.folder)}


def _figures(
    alone: _Service, several: _Service, reached_s: tuple[list[float], list[float]]
) -> Iterator[Figure]:
    who = f"{WORKERS} workers"
    details: dict[str, Any] = {"answers": several.answers, "alone": alone.answers}
    yield Figure(
        "workers.processor",
        f"processor time of an answer, {who}",
        several.ms_each,
        "ms",
        alone.ms_each,
        "one",
        details,
    )
    yield Figure(
        "workers.rate", f"answers of {who}", several.per_s, "/s", alone.per_s, "one"
    )
    yield Figure(
        "workers.errors",
        f"failed answers of {who}",
        several.errors,
        "",
        alone.errors,
        "one",
    )
    yield Figure(
        "workers.reach",
        f"from published to served by each of {who}, p99",
        to_ms(reached_s[1], NEARLY_ALL),
        "ms",
        to_ms(reached_s[0], NEARLY_ALL),
        "one",
        {"samples": len(reached_s[1])},
    )
