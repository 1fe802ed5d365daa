"""
What the server counts and measures as it happens.

Labels are few and known: an address as it is in the API's description, never as it was
asked for.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from prometheus_client import Counter, Histogram

from recommender.registry import new_registry


ANSWER_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10)
LOAD_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10)
DELAY_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60)
# As the listener's part of it: most take some milliseconds, a debounce may take minutes.
WHOLE_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
NOWHERE: Final = "none"  # the route of what is asked at no address of ours
_COUNTED: Final = web.RequestKey("counted", bool)


class Metrics:
    """
    Requests are noted in the event loop, generations in the thread that loads them.
    """

    def __init__(self) -> None:
        self.registry = registry = new_registry()
        self._requests = Counter(
            "evershelf_server_requests_total",
            "Requests answered, by address and status; 304 is what a cache had.",
            ["route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "evershelf_server_request_seconds",
            "Time to answer, by address; streams of events are not measured.",
            ["route"],
            registry=registry,
            buckets=ANSWER_S,
        )
        self._load = Histogram(
            "evershelf_server_load_seconds",
            "Time to load a generation.",
            registry=registry,
            buckets=LOAD_S,
        )
        self._delay = Histogram(
            "evershelf_server_publish_to_serve_seconds",
            "From the publication of a generation to its being served.",
            registry=registry,
            buckets=DELAY_S,
        )
        self._whole = Histogram(
            "evershelf_server_write_to_serve_seconds",
            "From the oldest write that a generation is the first to hold, by the "
            "database's clock, to its being served.",
            registry=registry,
            buckets=WHOLE_S,
        )
        self._faults = Counter(
            "evershelf_server_load_faults_total",
            "How often the newest generation turned out to be unreadable.",
            registry=registry,
        )
        self._shed = Counter(
            "evershelf_server_shed_total",
            "Requests turned away because there was more to do than could be in time.",
            registry=registry,
        )
        self._remembered = Counter(
            "evershelf_server_remembered_total",
            "Requests whose answer was remembered, not worked out.",
            registry=registry,
        )
        self._counters: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def note_answer(
        self, request: web.Request, status: int, took_s: float | None
    ) -> None:
        """
        Record what *request* was answered with; None as its time if that means nothing.
        """
        self.note_request(_to_route(request), status, took_s)
        request[_COUNTED] = True

    @property
    def access_log_class(self) -> type[AbstractAccessLogger]:
        """
        What notes the rest, as the HTTP library's log of all that was answered: requests
        that it refuses itself, for they make no sense, do not come to `note_answer`.
        """
        metrics = self

        class Refused(AbstractAccessLogger):
            def log(
                self,
                request: web.BaseRequest,
                response: web.StreamResponse,
                _took_s: float,
            ) -> None:
                if _COUNTED not in request:
                    metrics.note_request(NOWHERE, response.status, None)

        return Refused

    def note_request(self, route: str, status: int, took_s: float | None) -> None:
        """
        Record a request; None as its time if that means nothing.
        """
        counter = self._counters.get((route, status))
        if counter is None:  # finding a label costs more than counting
            counter = self._requests.labels(route, str(status))
            self._counters[route, status] = counter
        counter.inc()
        if took_s is None:
            return
        timer = self._timers.get(route)
        if timer is None:
            timer = self._timers[route] = self._seconds.labels(route)
        timer.observe(took_s)

    def note_load(
        self, *, took_s: float, delay_s: float, whole_s: float | None
    ) -> None:
        """
        Record a generation that is served now.

        Args:
            took_s: How long loading it took.
            delay_s: Since it was published.
            whole_s: Since the oldest write that it is the first to hold; None where
                that is not known. Less than 0 where the clocks of the database and of
                this host differ.
        """
        self._load.observe(took_s)
        self._delay.observe(max(0.0, delay_s))
        if whole_s is not None:
            self._whole.observe(max(0.0, whole_s))

    def note_fault(self) -> None:
        """
        Record that the newest generation cannot be read any more.
        """
        self._faults.inc()

    def note_shed(self) -> None:
        """
        Record a request that is turned away.
        """
        self._shed.inc()

    def note_remembered(self) -> None:
        """
        Record a request whose answer was remembered.
        """
        self._remembered.inc()


def _to_route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return NOWHERE if resource is None else resource.canonical
