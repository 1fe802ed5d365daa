"""
How the server and its model are.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from server.answers import to_json, to_model
from server.draining import Draining
from server.page import PAGE, wants_page
from server.problems import Problem
from server.sight import RETRY_AFTER_S, SIGHT, Sight


class Health:
    """
    The doors.
    """

    def __init__(self, draining: Draining) -> None:
        self._draining = draining

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/", health),
            web.get("/health/live", live),
            web.get("/health/ready", self.ready),
        )

    async def ready(self, request: web.Request) -> web.Response:
        """
        Answer 200 once there is a model, which never goes away again, only out of date;
        and not any more when the server is about to stop.
        """
        retry = {"Retry-After": str(RETRY_AFTER_S)}
        if self._draining.is_on:
            raise Problem(503, "draining", "The server is stopping.", headers=retry)
        if request[SIGHT].model is None:
            detail = "No model has been loaded yet."
            raise Problem(503, "no_model", detail, headers=retry)
        return to_json({"status": "ok"})


async def health(request: web.Request) -> web.Response:
    """
    Answer as the classic service did: 200 while the process lives. A browser is sent to
    the page.
    """
    if wants_page(request):
        raise web.HTTPFound(PAGE, headers={"Vary": "Accept"})
    sight = request[SIGHT]
    found = sight.model
    return to_json(
        {
            "status": _to_status(sight),
            "service": "evershelf",
            "products_count": found.snapshot.products if found else 0,
            "model": to_model(found.fresh) if found else None,
        }
    )


async def live(_request: web.Request) -> web.Response:
    """
    Answer 200: the event loop turns.
    """
    return to_json({"status": "ok"})


def _to_status(sight: Sight) -> str:
    if sight.model is None:
        return "no_model"
    return "stale" if sight.model.fresh.stale else "ok"
