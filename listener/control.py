"""
The listener's own port: is it well, and `POST /train`, of products and of orders.
"""

from __future__ import annotations

import asyncio

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import orjson
import structlog

from aiohttp import web

from listener.contact import Contact
from listener.errors import ListenerError
from listener.feed import Source
from listener.rebuilds import Requests
from listener.status import Served, Status
from recommender.logs import RECENT
from recommender.position import ClusterTime
from recommender.registry import CONTENT_TYPE, to_text
from server.access import Keys
from server.doors import require_admin
from server.parsing import TrainParams, parse
from server.problems import Problem, problem_middleware


HUNG_S: Final = 30.0  # a loop that turns takes a second at most
POLL_S: Final = 0.005
LONGEST_WAIT_S: Final = 600.0  # a million products are rebuilt in less
ELSEWHERE: Final = "The model of this host is made by another listener: ask that one."
LARGEST_BODY: Final = 64 * 1024  # old backends send the products along; unread
NO_ORDERS: Final = "No orders are followed: EVERSHELF_ORDERS_COLLECTION names none."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Control:
    """
    Answers for the daemon, from another thread.

    Attributes:
        source: What is followed; None where another listener's generations are.
        requests: Where to ask for a model trained from scratch; None there, too.
        keys: Of admins.
        details: What more there is to say to who asks for it; may take a while.
        metrics_keys: Good for `/metrics`, as those are.
        orders: What follows the orders, if they are followed; their database is the same.
    """

    source: Source | None
    status: Status
    requests: Requests | None
    keys: Keys
    details: Callable[[], Mapping[str, object]] = dict
    metrics_keys: Keys = Keys()  # noqa: RUF009 frozen
    orders: Contact | None = None

    def make_app(self) -> web.Application:
        """
        Return the application.
        """
        app = web.Application(
            middlewares=[problem_middleware], client_max_size=LARGEST_BODY
        )
        app.router.add_get("/", self.show)
        app.router.add_get("/details", self.show_details)
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/logs", self.logs)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_post("/train", self.train)
        app.router.add_post("/orders/train", self.train_orders)
        return app

    async def show(self, request: web.Request) -> web.Response:
        """
        Say what the listener is doing.
        """
        require_admin(request, self.keys)
        return _json(self._said())

    async def show_details(self, request: web.Request) -> web.Response:
        """
        Say that, and what takes a look at the database.
        """
        require_admin(request, self.keys)
        return _json({**self._said(), **await asyncio.to_thread(self.details)})

    def _said(self) -> dict[str, object]:
        status, served = self.status, self.status.served
        return {
            "service": "evershelf-listener",
            "state": status.state,
            "reason": status.reason,
            "since_s": status.since_s,
            "failures": status.failures,
            "last_error": status.last_error,
            "generation": served.generation,
            "as_of": served.as_of.to_text(),
            "products_count": served.products,
            "visible": served.visible,
            "sweep": asdict(status.swept),
            "scan": _to_scan(status),
            "orders": None if self.orders is None else _to_orders(self.orders.status),
        }

    async def live(self, _request: web.Request) -> web.Response:
        """
        200 while the loop turns, else 503.
        """
        silence_s = self.status.silence_s
        status = 200 if silence_s < HUNG_S else 503
        return _json({"silence_s": round(silence_s, 3)}, status)

    async def ready(self, _request: web.Request) -> web.Response:
        """
        200 once a model has been published, else 503.
        """
        is_ready = self.status.served.generation > 0
        return _json({"ready": is_ready}, 200 if is_ready else 503)

    async def logs(self, request: web.Request) -> web.Response:
        """
        The last log lines; with `since`, those with a later timestamp.
        """
        require_admin(request, self.keys)
        lines = RECENT.to_json(request.query.get("since", ""))
        body = b'{"lines":%b}' % lines
        return web.Response(body=body, content_type="application/json")

    async def metrics(self, request: web.Request) -> web.Response:
        """
        Answer with all metrics, as text.
        """
        require_admin(request, self.keys | self.metrics_keys)
        return web.Response(
            body=to_text(self.status.metrics.registry),
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )

    async def train(self, request: web.Request) -> web.Response:
        """
        Wait until all that was written before the call is published.

        With `full=1` the model is first trained from scratch, aside. Calls at the same
        time share one such training.
        """
        require_admin(request, self.keys)
        products = Contact(self.status, self.requests)
        return await self._train(request, products, "products")

    async def train_orders(self, request: web.Request) -> web.Response:
        """
        Do the same with the orders; 404 when none are followed.
        """
        require_admin(request, self.keys)
        if self.orders is None:
            raise Problem(404, "no_orders", NO_ORDERS)
        return await self._train(request, self.orders, "orders")

    async def _train(
        self, request: web.Request, contact: Contact, what: str
    ) -> web.Response:
        is_full = parse(TrainParams, request.query).full
        status, requests = contact.status, contact.requests
        if self.source is None or requests is None:
            raise _unavailable(ELSEWHERE)
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                served = await _trained(self.source, status, requests, is_full=is_full)
        except TimeoutError as error:
            raise _unavailable(_to_lateness(status)) from error
        return _json(
            {
                "message": f"Model trained on {served.products} {what}.",
                f"{what}_count": served.products,
                "generation": served.generation,
            }
        )


async def _trained(
    source: Source, status: Status, requests: Requests, *, is_full: bool
) -> Served:
    if is_full:
        await asyncio.wrap_future(requests.ask())
    try:
        written = await asyncio.to_thread(source.now)
    except ListenerError as error:
        detail = "The database does not answer; what was written is not lost."
        raise _unavailable(detail) from error
    requests.demand(written)
    return await _caught_up(status, written)


async def _caught_up(status: Status, written: ClusterTime) -> Served:
    while (served := status.served).as_of < written:  # noqa: ASYNC110 told by a thread
        await asyncio.sleep(POLL_S)
    return served


def _to_lateness(status: Status) -> str:
    why = f", {status.reason}" if status.reason else ""
    return (
        f"The listener has not come so far within {LONGEST_WAIT_S:g} s; "
        f"it is {status.state}{why}."
    )


def _to_scan(status: Status) -> dict[str, int]:
    return {"done": status.tally.done, "total": status.tally.total}


def _to_orders(status: Status) -> dict[str, object]:
    return {
        "state": status.state,
        "reason": status.reason,
        "last_error": status.last_error,
        "generation": status.served.generation,
        "as_of": status.served.as_of.to_text(),
        "orders_count": status.served.products,
        "counted": status.served.visible,
        "scan": _to_scan(status),
    }


def _json(content: dict[str, object], status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(content), content_type="application/json"
    )


def _unavailable(detail: str) -> Problem:
    return Problem(503, "listener_unavailable", detail, headers={"Retry-After": "5"})
