"""
What one and two servers give, and what becomes of those who ask for more.

Servers share the store; callers are divided evenly among them, as a balancer would.
"""

from __future__ import annotations

import math
import time

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from benchmarks.arrival import await_answer
from benchmarks.children import SPAWN
from benchmarks.driver import drive
from benchmarks.figures import MEDIAN, NEARLY_ALL, Figure, to_ms
from benchmarks.offered import Offered, offer
from benchmarks.plots import Panel, to_svg
from benchmarks.process_stats import processor_s
from benchmarks.shop import Shop
from benchmarks.steady import done_so_far, steady_writes
from benchmarks.zipf import Popularity
from tests.support.processes import make_pair


SERVERS: Final = (1, 2)
SHARES: Final = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of the most that they give
CHANGES_PER_S: Final = 10.0
SEED: Final = 6
DRAWN: Final = 50_000
RISING_S: Final = 0.5


def measure(shop: Shop) -> Iterator[Figure]:
    """
    Yield, for one server and for two, the most that they answer, and at twice of that
    how much is answered, how late, and how late health is, while ten changes a second go
    on. The details hold the same for other loads.
    """
    pair = shop.follow()
    changing, asked = shop.parted()
    paths = [
        shop.similar_path(id_)
        for id_ in Popularity(asked, shop.effort.seed).draw(DRAWN)
    ]
    with (
        ExitStack() as stack,
        steady_writes(shop.uri, changing, CHANGES_PER_S, SEED) as writes,
        ProcessPoolExecutor(max(SERVERS), SPAWN) as pool,
    ):
        servers = [_Server(pair.port, pair.server.pid)]
        alone: _Most | None = None
        for count in SERVERS:
            while len(servers) < count:
                servers.append(_one_more(stack, shop, paths[0]))
            loaded = _Loaded(pool, servers, paths, shop.effort.window_s)
            most = loaded.most()
            offers = [loaded.offer(share * most.per_s) for share in SHARES]
            yield from _figures(count, most, alone, offers)
            alone = alone or most
        done_so_far(writes)  # it has not ended


class _Server(NamedTuple):
    port: int
    pid: int


class _Most(NamedTuple):
    """
    What servers give to callers who ask again as soon as they are answered.

    Attributes:
        per_s: Answers a second.
        processor_ms: Of each, all servers' together.
        errors: Answers that were none.
    """

    per_s: float
    processor_ms: float
    errors: int


@dataclass(frozen=True, slots=True)
class _Loaded:
    """
    Servers, and processes that ask them.
    """

    pool: ProcessPoolExecutor
    servers: Sequence[_Server]
    paths: Sequence[str]
    window_s: float

    def most(self) -> _Most:
        """
        Return what they give.
        """
        self._drive(RISING_S)
        before_s, began = self._used_s(), time.monotonic()
        answers, errors = self._drive(self.window_s)
        passed_s, used_s = time.monotonic() - began, self._used_s() - before_s
        return _Most(answers / passed_s, used_s / max(1, answers) * 1000, errors)

    def offer(self, per_s: float) -> Offered:
        """
        Return what comes of so many requests a second.
        """
        ports = [server.port for server in self.servers]
        return self.pool.submit(offer, ports, self.paths, per_s, self.window_s).result()

    def _drive(self, seconds: float) -> tuple[int, int]:
        asked = [
            self.pool.submit(drive, server.port, self.paths, seconds)
            for server in self.servers
        ]
        driven = [one.result() for one in asked]
        return sum(d.answers for d in driven), sum(d.errors for d in driven)

    def _used_s(self) -> float:
        return sum(processor_s(server.pid) for server in self.servers)


def _one_more(stack: ExitStack, shop: Shop, path: str) -> _Server:
    more = stack.enter_context(make_pair(shop.folder, shop.uri))
    more.server.start()
    await_answer(more.port, path, lambda: more.server.is_running)
    return _Server(more.port, more.server.pid)


def _figures(
    count: int, most: _Most, alone: _Most | None, offers: Sequence[Offered]
) -> Iterator[Figure]:
    who = "one server" if count == 1 else f"{count} servers"
    key, twice = f"load.{count}", offers[-1]
    details = {"loads": [_to_load(offered) for offered in offers]}
    yield Figure(
        f"{key}.rate",
        f"answers of {who}",
        most.per_s,
        "/s",
        alone and alone.per_s,
        "one server",
        details,
    )
    yield Figure(
        f"{key}.processor",
        f"processor time of an answer, {who}",
        most.processor_ms,
        "ms",
        alone and alone.processor_ms,
        "one server",
    )
    yield Figure(f"{key}.errors", f"errors of {who}", most.errors, "")
    yield Figure(
        f"{key}.overload.rate",
        f"answers of {who} when asked for twice as many",
        len(twice.good_s) / twice.seconds,
        "/s",
        most.per_s,
        "the most",
    )
    yield Figure(
        f"{key}.overload.p99",
        f"time to an answer of {who} then, p99",
        to_ms(twice.good_s, NEARLY_ALL),
        "ms",
    )
    yield Figure(
        f"{key}.overload.health",
        f"time to a health check of {who} then, p99",
        to_ms(twice.health_s, NEARLY_ALL),
        "ms",
    )


def _to_load(offered: Offered) -> dict[str, Any]:
    """
    Return what came of one load, as the record has it.
    """
    return {
        "offered_per_s": offered.sent / offered.seconds,
        "answered_per_s": len(offered.good_s) / offered.seconds,
        "shed_per_s": len(offered.shed_s) / offered.seconds,
        "median_ms": _percentile(offered.good_s, MEDIAN),
        "p99_ms": _percentile(offered.good_s, NEARLY_ALL),
        "shed_p99_ms": _percentile(offered.shed_s, NEARLY_ALL),
        "health_p99_ms": _percentile(offered.health_s, NEARLY_ALL),
        "failed": offered.failed,
        "unadvised": offered.unadvised,
        "health_failed": offered.health_failed,
    }


def _percentile(series_s: Sequence[float], percent: float) -> float | None:
    return to_ms(series_s, percent) if series_s else None


def plot(figures: Iterable[Figure]) -> str | None:
    """
    Return answers and times by what is asked for, as an SVG; None without such figures.
    """
    panels = [
        panel
        for figure in figures
        if "loads" in figure.details
        for panel in _panels(figure)
    ]
    return to_svg(panels) if panels else None


def _panels(figure: Figure) -> Iterator[Panel]:
    loads = figure.details["loads"]
    across = "asked for, /s"

    def line(key: str) -> list[tuple[float, float]]:
        return [
            (one["offered_per_s"], math.nan if one[key] is None else one[key])
            for one in loads
        ]

    yield Panel(
        f"{figure.what} by what is asked for; dashed: the most",
        "/s",
        {"answered": line("answered_per_s"), "turned away": line("shed_per_s")},
        across,
        [figure.ours],
    )
    yield Panel(
        f"How long {figure.what} take",
        "ms",
        {
            "median": line("median_ms"),
            "99th percentile": line("p99_ms"),
            "turned away, p99": line("shed_p99_ms"),
            "health, p99": line("health_p99_ms"),
        },
        across,
        [figure.ours],
    )
