"""
What one request sees, from its first line to its last.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from typing import Final, NamedTuple
from weakref import ref

from aiohttp import web

from recommender.snapshot import Snapshot
from server.answers import to_headers
from server.freshness import Freshness, freshness, stale_reason
from server.live import Live
from server.loader import Served
from server.problems import Problem


RETRY_AFTER_S: Final = 1


class Model(NamedTuple):
    """
    A snapshot, and how fresh it is.
    """

    snapshot: Snapshot
    fresh: Freshness


class Sight(NamedTuple):
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


def look(
    live: Live,
    *,
    is_reached: bool | None = None,
    wall: Callable[[], float] = time.time,
) -> Sight:
    """
    Return what is served now.

    Args:
        is_reached: Whether that is what the caller has waited for, if for anything.
        wall: Returns the Unix time.
    """
    served = live.served
    snapshot = served.snapshot
    if snapshot is None:
        return Sight(served, None)
    fresh = freshness(snapshot, served, wall(), is_reached=is_reached)
    return Sight(served, Model(snapshot, fresh))


class Lookout:
    """
    Looks for each request. How fresh it is, is worked out once for as long as that is
    so; nothing is held of what is served no more, however long nobody asks.
    """

    def __init__(self, live: Live, wall: Callable[[], float] = time.time) -> None:
        """
        Args:
            wall: Returns the Unix time.
        """
        self._live = live
        self._wall = wall
        self._seen: tuple[ref[Served], Freshness] | None = None

    def look(self) -> Sight:
        """
        Return what is served now.
        """
        served = self._live.served
        if served.snapshot is None:
            return Sight(served, None)
        return Sight(
            served, Model(served.snapshot, self._fresh(served, served.snapshot))
        )

    def _fresh(self, served: Served, snapshot: Snapshot) -> Freshness:
        now_s = self._wall()
        if self._seen is not None:
            seen, fresh = self._seen
            if seen() is served and fresh.reason == stale_reason(served, now_s):
                return fresh
        fresh = freshness(snapshot, served, now_s)
        self._seen = ref(served), fresh
        return fresh


def tell_freshness(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """
    Put the model's freshness into the headers of every answer, whatever its status.
    """
    sight = request.get(SIGHT)
    if sight is not None and sight.model is not None:
        response.headers.update(to_headers(sight.model.fresh))
