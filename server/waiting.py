"""
Waiting for a write to be in the answer, never for long.
"""

from __future__ import annotations

import asyncio

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

    def __init__(self, live: Live, orders: Live | None = None) -> None:
        self._live = live
        self._orders = orders
        self._is_closed = False

    async def model(self, request: web.Request, asked: Fresh) -> Model:
        """
        Return the model to answer from: at once, or, when a moment is asked for, as
        soon as everything up to it is in, or at the end of the wait.

        Raises:
            Problem: 503 when there is none yet.
        """
        if asked.after is not None:
            is_reached = await self._wait(self._live, asked)
            request[SIGHT] = look(self._live, is_reached=is_reached)
        return request[SIGHT].need_model()

    async def both(
        self, request: web.Request, asked: Fresh
    ) -> tuple[Model, Model | None]:
        """
        Return the same with the model of orders, None when there is none, or none yet,
        for which nobody waits; a moment that is asked for is waited for in both at once.
        """
        orders = self._orders
        if orders is None or orders.served.snapshot is None:
            return await self.model(request, asked), None
        model, is_reached = await asyncio.gather(
            self.model(request, asked), self._wait(orders, asked)
        )
        return model, look(orders, is_reached=is_reached).model

    async def close(self, _app: web.Application) -> None:
        """
        Let those who wait have what there is, and nobody wait from now on.
        """
        self._is_closed = True
        self._live.wake()
        if self._orders is not None:
            self._orders.wake()

    async def _wait(self, live: Live, asked: Fresh) -> bool | None:
        """
        Return whether what is asked for is in at the end; None when nothing is.
        """
        moment = asked.after
        if moment is None:
            return None

        def is_over(served: Served) -> bool:
            return self._is_closed or _holds(served, moment)

        await live.wait_until(is_over, asked.wait_ms / 1000)
        return _holds(live.served, moment)


def _holds(served: Served, moment: ClusterTime) -> bool:
    snapshot = served.snapshot
    return snapshot is not None and to_as_of(snapshot, served) >= moment
