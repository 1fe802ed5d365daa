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
import math
import time

from collections.abc import Callable
from typing import Final

import structlog

from aiohttp import web

from server.metrics import Metrics
from server.problems import Problem
from server.sight import RETRY_AFTER_S


SHEDDABLE: Final = "/v1/"  # not health, metrics, or what admins do
READ_S: Final = 0.01  # by so much at most what a turn has worked is overrated
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
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            shed_after_s: How long one turn may work before the rest of it is turned
                away; 0: as long as it likes.
            metrics: Where those are counted.
            processor_s: Returns the processor time of the event loop's thread.
            monotonic: Returns a time that goes on at least as fast.
        """
        self._shed_after_s = shed_after_s
        self._metrics = metrics
        self._processor_s = processor_s
        self._monotonic = monotonic
        self._began_s: float | None = None  # by the monotonic clock
        self._read_s = -math.inf  # when the processor's was last read for a turn
        self._used_s = 0.0  # what it said then
        self._shed = 0
        self._seen = 0

    def check(self, request: web.Request) -> None:
        """
        Let *request* pass.

        Raises:
            Overloaded: There is no time for it.
        """
        if request.path.startswith(SHEDDABLE) and self._is_late():
            self.note()
            raise Overloaded

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
        now_s = self._monotonic()
        if self._began_s is None:
            self._begin_turn(now_s)
            return False
        # no more processor time than time, which costs next to nothing to read
        if now_s - self._began_s <= self._shed_after_s:
            return False
        return self._processor_s() - self._used_s > self._shed_after_s

    def _begin_turn(self, now_s: float) -> None:
        self._began_s = now_s
        if now_s - self._read_s >= READ_S:
            self._read_s, self._used_s = now_s, self._processor_s()
        asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._began_s = None

    def _look(self) -> None:
        if self._shed == self._seen:
            _log.info("server.relieved", shed=self._shed)
            self._shed = self._seen = 0
            return
        self._seen = self._shed
        asyncio.get_running_loop().call_later(CALM_S, self._look)
