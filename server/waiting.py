"""
Waiting for a write to be in the answer, never for long.
"""

from __future__ import annotations

from aiohttp import web

from recommender.position import ClusterTime
from server.live import Live
from server.loader import Served, to_as_of
from server.params import Fresh
from server.sight import SIGHT, Model, look


class Waiting:
    """
    Gives each request the model that it asks for.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._is_closed = False

    async def model(self, request: web.Request, asked: Fresh) -> Model:
        """
        Return the model to answer from: at once, or, when a moment is asked for, as
        soon as everything up to it is in, or at the end of the wait.

        Raises:
            Problem: 503 when there is none yet.
        """
        if asked.after is not None:
            is_reached = await self._wait(asked.after, asked.wait_ms / 1000)
            request[SIGHT] = look(self._live, is_reached=is_reached)
        return request[SIGHT].need_model()

    async def close(self, _app: web.Application) -> None:
        """
        Let those who wait have what there is, and nobody wait from now on.
        """
        self._is_closed = True
        self._live.wake()

    async def _wait(self, moment: ClusterTime, timeout_s: float) -> bool:
        def is_over(served: Served) -> bool:
            return self._is_closed or _holds(served, moment)

        await self._live.wait_until(is_over, timeout_s)
        return _holds(self._live.served, moment)


def _holds(served: Served, moment: ClusterTime) -> bool:
    snapshot = served.snapshot
    return snapshot is not None and to_as_of(snapshot, served) >= moment
