"""
The classic door `POST /train`: wait until what was written before the call is served.
"""

from __future__ import annotations

import asyncio

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from aiohttp import web

from server.access import Keys
from server.answers import to_json
from server.body import receive
from server.doors import passed_on, require_admin
from server.live import Live
from server.loader import Served
from server.parsing import TrainParams, parse
from server.problems import Problem
from server.sight import SIGHT, look


CONNECT_S: Final = 2.0  # the listener is on this machine
CATCH_UP_S: Final = 60.0  # as long as a backend is likely to wait
FULL_S: Final = 900.0  # a million products from scratch
SERVE_S: Final = 10.0  # from published to served; milliseconds when all is well
RETRY_AFTER: Final = {"Retry-After": "5"}

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trained:
    """
    What the listener answered.

    Attributes:
        message: For the caller.
        products: How many products the model has.
        generation: From which on everything is in.
    """

    message: str
    products: int
    generation: int


class Lane:
    """
    Calls at the same time share one run.

    A call promises what was written before it, so it may share only a run that has
    not begun: one runs, and one waits for all who have come meanwhile.
    """

    def __init__(self, run: Callable[[Headers], Awaitable[Trained]]) -> None:
        self._run = run
        self._running: asyncio.Task[Trained] | None = None
        self._waiting: asyncio.Task[Trained] | None = None

    async def join(self, headers: Headers) -> Trained:
        """
        Return what the next run returns, or raise what it raises.

        Args:
            headers: For the run, if this call is its first.
        """
        if self._waiting is None:
            task = self._run_after(self._running, headers)
            self._waiting = asyncio.create_task(task)
        return await asyncio.shield(self._waiting)

    async def _run_after(
        self, before: asyncio.Task[Trained] | None, headers: Headers
    ) -> Trained:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._waiting = self._waiting, None
        return await self._run(headers)


class Train:
    """
    The door; passes the call on to the listener's control port.
    """

    def __init__(self, live: Live, keys: Keys, control_port: int) -> None:
        self._live = live
        self._keys = keys
        self._url = f"http://127.0.0.1:{control_port}/train"
        self._catch_up = Lane(self._run_catch_up)
        self._full = Lane(self._run_full)

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the door.
        """
        return (web.post("/train", self.train),)

    async def train(self, request: web.Request) -> web.Response:
        """
        Answer once everything written before the call is served.
        """
        require_admin(request, self._keys)
        await receive(request)  # whatever the classic callers send, within the limit
        params = parse(TrainParams, request.query)
        lane = self._full if params.full else self._catch_up
        trained = await lane.join(passed_on(request.headers))
        request[SIGHT] = look(self._live)
        return to_json({"message": trained.message, "products_count": trained.products})

    async def _run_catch_up(self, headers: Headers) -> Trained:
        return await self._until_served(headers, {}, CATCH_UP_S)

    async def _run_full(self, headers: Headers) -> Trained:
        return await self._until_served(headers, {"full": "1"}, FULL_S)

    async def _until_served(
        self, headers: Headers, query: Mapping[str, str], timeout_s: float
    ) -> Trained:
        trained = await _ask(self._url, headers, query, timeout_s)

        def is_served(served: Served) -> bool:
            snapshot = served.snapshot
            return snapshot is not None and snapshot.generation >= trained.generation

        if not await self._live.wait_until(is_served, SERVE_S):
            raise Problem(
                503,
                "not_served_yet",
                "The listener has published the change, but it could not be loaded "
                "yet: see model.load_failed in the server's log.",
                headers=RETRY_AFTER,
            )
        return trained


async def _ask(
    url: str, headers: Headers, query: Mapping[str, str], timeout_s: float
) -> Trained:
    """
    Return the listener's answer.

    Raises:
        Problem: The listener's own; or 502, 503 or 504 when there is no proper answer.
    """
    timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                url, headers=headers, params=query, allow_redirects=False
            ) as answer,
        ):
            return _to_trained(answer.status, await answer.read())
    except aiohttp.ConnectionTimeoutError as error:
        raise _unavailable() from error
    except TimeoutError as error:
        raise Problem(
            504,
            "train_timeout",
            f"The listener has not caught up within {timeout_s:g} s; it goes on.",
            headers=RETRY_AFTER,
        ) from error
    except aiohttp.ClientError as error:
        raise _unavailable() from error


def _to_trained(status: int, body: bytes) -> Trained:
    try:
        content = orjson.loads(body)
        if status != HTTPStatus.OK:
            raise _to_problem(status, content)
        return Trained(
            message=str(content["message"]),
            products=int(content["products_count"]),
            generation=int(content["generation"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        detail = f"The listener's answer, {status}, makes no sense to this server."
        raise Problem(502, "listener_failed", detail, headers=RETRY_AFTER) from error


def _to_problem(status: int, content: Mapping[str, Any]) -> Problem:
    """
    Return what the listener says went wrong, as it said it.
    """
    retry = {} if status < HTTPStatus.INTERNAL_SERVER_ERROR else RETRY_AFTER
    return Problem(
        status,
        str(content["code"]),
        str(content["detail"]),
        faults=content.get("errors", ()),
        headers=retry,
    )


def _unavailable() -> Problem:
    return Problem(
        503,
        "listener_unavailable",
        "The listener does not answer on its control port: start run_listener.py, "
        "and check that both processes have the same EVERSHELF_CONTROL_PORT. "
        "Nothing is lost: it reads all changes when it is back.",
        headers=RETRY_AFTER,
    )
