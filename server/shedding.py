"""
What to do with more requests than can be answered: answer some in time, and tell the
others at once to come back.

All that has arrived while the event loop was busy is answered in its next turn, one
request after the other. When one turn has worked for too long, those behind are turned
away, which costs a fraction of an answer; so the next turn comes soon, whatever the
number of callers. Work is measured as the thread's processor time: that another program
had the processor, or the machine slept, is no reason to turn anybody away.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import Callable
from typing import Final

import structlog

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.metrics import Metrics
from server.problems import Problem
from server.sight import RETRY_AFTER_S


SHEDDABLE: Final = "/v1/"  # not health, metrics, or what admins do
CALM_S: Final = 5.0  # without anybody turned away, until it is over

_log = structlog.get_logger()


class Overloaded(Problem):
    """
    There is more to do than can be done in time.
    """

    def __init__(self) -> None:
        super().__init__(
            503,
            "overloaded",
            "More is asked than this server can answer in time.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )


class Shedding:
    """
    Turns requests away under overload; says when that begins and when it is over.
    """

    def __init__(
        self,
        shed_after_s: float,
        metrics: Metrics,
        processor_s: Callable[[], float] = time.thread_time,
    ) -> None:
        """
        Args:
            shed_after_s: How long one turn may work before the rest of it is turned
                away; 0: as long as it likes.
            metrics: Where those are counted.
            processor_s: Returns the processor time of the event loop's thread.
        """
        self._shed_after_s = shed_after_s
        self._metrics = metrics
        self._processor_s = processor_s
        self._began_s: float | None = None
        self._shed = 0
        self._seen = 0

    @property
    def middleware(self) -> Middleware:
        """
        What lets requests pass, or not.
        """

        @web.middleware
        async def middleware(
            request: web.Request, handler: Handler
        ) -> web.StreamResponse:
            if request.path.startswith(SHEDDABLE) and self._is_late():
                self.note()
                raise Overloaded
            return await handler(request)

        return middleware

    def note(self) -> None:
        """
        Count a request that is turned away.
        """
        self._metrics.note_shed()
        if not self._shed:
            _log.warning("server.overloaded")
            asyncio.get_running_loop().call_later(CALM_S, self._look)
        self._shed += 1

    def _is_late(self) -> bool:
        """
        Say whether this turn of the loop has worked for too long.
        """
        if not self._shed_after_s:
            return False
        now_s = self._processor_s()
        if self._began_s is None:
            self._began_s = now_s
            asyncio.get_running_loop().call_soon(self._end_turn)
        return now_s - self._began_s > self._shed_after_s

    def _end_turn(self) -> None:
        self._began_s = None

    def _look(self) -> None:
        if self._shed == self._seen:
            _log.info("server.relieved", shed=self._shed)
            self._shed = self._seen = 0
            return
        self._seen = self._shed
        asyncio.get_running_loop().call_later(CALM_S, self._look)
