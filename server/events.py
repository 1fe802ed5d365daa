"""
A stream of server-sent events: new generations, and what they change for visitors.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from aiohttp import web

from recommender.address import to_address
from recommender.difference import INCOMPLETE
from server.answers import to_iso
from server.freshness import stale_reason
from server.history import Change, History
from server.live import Live
from server.loader import Served
from server.params import EventsParams
from server.parsing import parse
from server.problems import Problem


MOST_STREAMS: Final = 1_000  # a page each; more is a task for another server process
LOOK_S: Final = 1.0  # how soon silence of the listener is told
HEARTBEAT_S: Final = 15.0  # proxies hang up on what is silent for longer
SEND_S: Final = 30.0  # who does not read for so long has left
RETRY_MS: Final = 2_000
NO_MODEL: Final = "no_model"
STILL_HERE: Final = ": still here\n\n"  # a comment, which no reader is told of

HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back
}


class Events:
    """
    The door.
    """

    def __init__(
        self, live: Live, tell: Callable[[web.Request, web.StreamResponse], None]
    ) -> None:
        """
        Args:
            tell: Puts into the headers of an answer what all of them say.
        """
        self._live = live
        self._say = tell
        self._open = 0
        self._is_closed = False

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the door.
        """
        return (web.get("/v1/events", self.events),)

    @property
    def open(self) -> int:
        """
        How many streams there are.
        """
        return self._open

    async def close(self, _app: web.Application) -> None:
        """
        End all streams; browsers come back to whoever answers then.
        """
        self._is_closed = True
        self._live.wake()

    async def events(self, request: web.Request) -> web.StreamResponse:
        """
        Tell of each generation until the caller leaves, or the server stops.
        """
        parse(EventsParams, request.query)
        if self._open >= MOST_STREAMS:
            detail = "This server has as many open streams as it serves."
            retry = {"Retry-After": str(int(HEARTBEAT_S))}
            raise Problem(503, "too_many_streams", detail, headers=retry)
        response = web.StreamResponse(headers=HEADERS)
        self._say(request, response)
        self._open += 1
        try:
            await response.prepare(request)
            if request.method != "HEAD":
                stream = _Stream(response, request.headers.get("Last-Event-ID"))
                with contextlib.suppress(ConnectionError):
                    await self._tell(stream)
        except TimeoutError:
            _hang_up(request)
        finally:
            self._open -= 1
        return response

    async def _tell(self, stream: _Stream) -> None:
        history = self._live.history
        await stream.send(f"retry: {RETRY_MS}\n\n")
        while not self._is_closed:
            served, newest = self._live.served, history.newest
            await _tell_generations(stream, history)
            await stream.tell_status(served)
            await stream.keep_alive()

            def is_news(now: Served) -> bool:
                is_same = now is served and history.newest is newest  # noqa: B023
                return self._is_closed or not is_same

            await self._live.wait_until(is_news, LOOK_S)


def _hang_up(request: web.Request) -> None:
    """
    Drop the connection with what waits in it to be read: to end the answer properly
    would be to wait for the reader again, for ever.
    """
    if request.transport is not None:
        request.transport.abort()


async def _tell_generations(stream: _Stream, history: History) -> None:
    newest = history.newest
    if newest is None:
        return
    if stream.known is None:
        await stream.tell("generation", newest)
        return
    changes = history.since(stream.known)
    if changes is None:
        await stream.tell("reset", replace(newest, difference=INCOMPLETE))
        return
    for change in changes:
        await stream.tell("generation", change)


@dataclass(slots=True)
class _Stream:
    """
    What one caller has been told.

    Attributes:
        known: The id of the newest generation that it knows; None: none yet.
    """

    response: web.StreamResponse
    known: str | None
    _status: tuple[bool, str] | None = None
    _sent_s: float = 0.0

    async def tell(self, kind: str, change: Change) -> None:
        """
        Tell of a generation.
        """
        data = orjson.dumps(_to_json(change)).decode()
        await self.send(f"id: {change.id}\nevent: {kind}\ndata: {data}\n\n")
        self.known = change.id

    async def tell_status(self, served: Served) -> None:
        """
        Tell how fresh it all is, if that has changed.
        """
        reason = stale_reason(served, time.time()) if served.snapshot else NO_MODEL
        status = bool(reason), reason
        if status != self._status:
            data = orjson.dumps({"stale": status[0], "reason": reason}).decode()
            await self.send(f"event: status\ndata: {data}\n\n")
            self._status = status

    async def keep_alive(self) -> None:
        """
        Send a comment when nothing was sent for long.
        """
        if time.monotonic() - self._sent_s >= HEARTBEAT_S:
            await self.send(STILL_HERE)

    async def send(self, text: str) -> None:
        """
        Send *text*.

        Raises:
            ConnectionError: The caller has left.
            TimeoutError: It does not read.
        """
        async with asyncio.timeout(SEND_S):
            await self.response.write(text.encode())
        self._sent_s = time.monotonic()


def _to_json(change: Change) -> dict[str, Any]:
    difference = change.difference
    return {
        "generation": change.generation,
        "as_of": to_iso(change.as_of),
        "cluster_time": change.as_of.to_text(),
        "visible": change.visible,
        "changed": [to_address(key) for key in difference.changed],
        "gone": [to_address(key) for key in difference.gone],
        "complete": difference.is_complete,
    }
