"""
What one request sees, from its first line to its last.
"""

from __future__ import annotations

import time

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from recommender.snapshot import Snapshot
from server.answers import to_headers
from server.freshness import Freshness, freshness
from server.live import Live
from server.loader import Served
from server.problems import Problem


RETRY_AFTER_S: Final = 1


@dataclass(frozen=True, slots=True)
class Model:
    """
    A snapshot, and how fresh it is.
    """

    snapshot: Snapshot
    fresh: Freshness


@dataclass(frozen=True, slots=True)
class Sight:
    """
    What was served when the request came.

    Attributes:
        served: All of it.
        model: The model in it; None when there is none yet.
    """

    served: Served
    model: Model | None

    def need_model(self) -> Model:
        """
        Return the model.

        Raises:
            Problem: 503 when there is none yet.
        """
        if self.model is None:
            raise Problem(
                503,
                "no_model",
                "No model has been published yet: the listener is building the "
                "first one, or is not running.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        return self.model


SIGHT: Final = web.RequestKey("sight", Sight)


def look(live: Live, *, is_reached: bool | None = None) -> Sight:
    """
    Return what is served now.

    Args:
        is_reached: Whether that is what the caller has waited for, if for anything.
    """
    served = live.served
    snapshot = served.snapshot
    if snapshot is None:
        return Sight(served, None)
    fresh = freshness(snapshot, served, time.time(), is_reached=is_reached)
    return Sight(served, Model(snapshot, fresh))


def sight_middleware(live: Live) -> Middleware:
    """
    Return the middleware that gives each request its sight.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[SIGHT] = look(live)
        return await handler(request)

    return middleware


async def tell_freshness(request: web.Request, response: web.StreamResponse) -> None:
    """
    Put the model's freshness into the headers of every answer, whatever its status.
    """
    sight = request.get(SIGHT)
    if sight is not None and sight.model is not None:
        response.headers.update(to_headers(sight.model.fresh))
