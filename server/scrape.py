"""
What the server is like at the moment when it is asked, and where it is asked.
"""

from __future__ import annotations

import time

from collections.abc import Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from recommender.registry import CONTENT_TYPE, to_text
from server.access import Keys
from server.doors import require_admin
from server.events import Events
from server.freshness import Freshness, freshness
from server.line import Line
from server.live import Live
from server.merged import merge


class Scrape(Collector):
    """
    The door, and what it reads of what is served.

    Attributes:
        connections: Returns how many are open.
        line: Leads to the other workers, if there are any.
    """

    def __init__(self, live: Live, events: Events, keys: Keys) -> None:
        """
        Answer to who has one of *keys*; without any, to this machine only.
        """
        self.connections: Callable[[], int] = int
        self.line: Line | None = None
        self._live = live
        self._events = events
        self._keys = keys
        live.metrics.registry.register(self)

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the door.
        """
        return (web.get("/metrics", self.metrics),)

    async def metrics(self, request: web.Request) -> web.Response:
        """
        Answer with all metrics, as text.
        """
        require_admin(request, self._keys)
        if self.line is None:
            text = to_text(self._live.metrics.registry)
        else:
            text = merge(await self.line.gather("metrics"))
        return web.Response(
            body=text,
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )

    def to_text(self, _more: str = "") -> str:
        """
        Return what this process counts.
        """
        return to_text(self._live.metrics.registry).decode()

    def collect(self) -> Iterator[Metric]:
        """
        Yield each fact.
        """
        yield from self._callers()
        yield from self._model()
        yield from self._freshness()

    def _callers(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "evershelf_server_connections",
            "Open connections, those kept alive and those of streams included.",
            self.connections(),
        )
        yield GaugeMetricFamily(
            "evershelf_server_streams",
            "Open streams of events.",
            self._events.open,
        )

    def _model(self) -> Iterator[Metric]:
        served = self._live.served
        snapshot = served.snapshot
        yield GaugeMetricFamily(
            "evershelf_server_generation",
            "Number of the generation that is served; 0 before the first.",
            snapshot.generation if snapshot else 0,
        )
        yield GaugeMetricFamily(
            "evershelf_server_products",
            "Products in it.",
            snapshot.products if snapshot else 0,
        )
        yield GaugeMetricFamily(
            "evershelf_server_visible_products",
            "Those of them that visitors may see.",
            snapshot.visible if snapshot else 0,
        )
        yield GaugeMetricFamily(
            "evershelf_server_segments",
            "Segments that it consists of.",
            len(snapshot.manifest.segments) if snapshot else 0,
        )
        yield GaugeMetricFamily(
            "evershelf_server_load_fault",
            "1 while a newer generation than the one served cannot be read, else 0.",
            bool(served.fault),
        )

    def _freshness(self) -> Iterator[Metric]:
        fresh = self._fresh()
        stale = GaugeMetricFamily(
            "evershelf_server_stale",
            "1 while answers say that newer writes may be missing for long, else 0.",
        )
        as_of = GaugeMetricFamily(
            "evershelf_server_as_of_timestamp_seconds",
            "Every write acknowledged by then is served, by the database's clock.",
        )
        lag = GaugeMetricFamily(
            "evershelf_server_lag_seconds",
            "How far that is behind the database's time of the listener's last read.",
        )
        if fresh is not None:
            stale.add_metric([], fresh.stale)
            as_of.add_metric([], fresh.as_of.seconds)
        if fresh is not None and fresh.lag_ms is not None:
            lag.add_metric([], fresh.lag_ms / 1000)
        yield stale
        yield as_of
        yield lag

    def _fresh(self) -> Freshness | None:
        served = self._live.served
        if served.snapshot is None:
            return None
        return freshness(served.snapshot, served, time.time())
