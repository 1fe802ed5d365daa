"""
What each request passes on the way to its door, and each answer on the way back.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.compression import Compression
from server.draining import Draining
from server.gate import Gate, to_rate
from server.metrics import Metrics
from server.origins import Origins
from server.problems import REQUEST_ID, to_answer, to_request_id
from server.ready import NAME, Ready
from server.recall import Recall
from server.request_log import RequestLog
from server.shedding import Shedding
from server.sight import SIGHT, Sight, tell_freshness


@dataclass(frozen=True, slots=True)
class Passage:
    """
    One coroutine and many plain calls: a coroutine within another costs more than most
    of what is done here.

    Attributes:
        look: Returns what is served.
    """

    look: Callable[[], Sight]
    metrics: Metrics
    log: RequestLog
    compression: Compression
    origins: Origins
    shedding: Shedding
    gate: Gate
    draining: Draining
    recall: Recall

    @property
    def middleware(self) -> Middleware:
        """
        What stands around the doors.
        """

        @web.middleware
        async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
            """
            Whatever the answer is, it is as fresh as it says, counted and logged, and
            has the request's id. Who is not turned away comes to a door, unless the
            answer is remembered.
            """
            started_s = time.perf_counter()
            request[SIGHT] = self.look()
            request_id = request[REQUEST_ID] = to_request_id(request)
            response: web.StreamResponse
            try:
                response = (
                    self._stop(request)
                    or self.recall.answer(request)
                    or await handler(request)
                )
            except Exception as error:  # noqa: BLE001 the caller gets an answer
                response = to_answer(request, request_id, error)
            if isinstance(response, web.Response):
                coding = self.compression.choose(request, response)
                if coding is not None:
                    await self.compression.apply(coding, response)
            if not response.prepared:
                self.tell(request, response)
            took_s = time.perf_counter() - started_s
            self.log.note(request, response.status, took_s)
            is_whole = isinstance(response, (web.Response, Ready))
            self.metrics.note_answer(
                request, response.status, took_s if is_whole else None
            )
            return response

        return around

    def tell(self, request: web.Request, response: web.StreamResponse) -> None:
        """
        Put into the headers of an answer what each of them says. A door that streams does
        so itself, before it begins.
        """
        response.headers["X-Request-ID"] = request[REQUEST_ID]
        tell_freshness(request, response)
        response.headers.update(to_rate(request))
        self.origins.tell(request, response)

    async def name(self, _: web.Request, response: web.StreamResponse) -> None:
        """
        Say who answers, and whether for long, also where the library does so before
        any door.
        """
        response.headers["Server"] = NAME
        self.draining.tell(response)

    def _stop(self, request: web.Request) -> web.Response | None:
        """
        Return the answer to who does not come to a door, but only asks for leave to.

        Raises:
            Problem: There is no time for the request, or it may not pass.
        """
        asked_first = self.origins.answer(request)
        if asked_first is None:
            self.shedding.check(request)
            self.gate.check(request)
        return asked_first
