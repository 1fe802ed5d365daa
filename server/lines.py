"""
The last log lines of both processes, for the page's operations view.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from recommender.logs import RECENT
from server.access import Keys
from server.doors import require_admin
from server.passing import pass_on, to_url
from server.problems import Problem


class Lines:
    """
    The doors under `/ui/logs`, for admins.
    """

    def __init__(self, keys: Keys, control_port: int) -> None:
        self._keys = keys
        self._listener = to_url(control_port, "/logs")

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/ui/logs/server", self.server),
            web.get("/ui/logs/listener", self.listener),
        )

    async def server(self, request: web.Request) -> web.Response:
        """
        Answer with this process's own; with `since`, those with a later timestamp.
        """
        require_admin(request, self._keys)
        lines = RECENT.to_json(request.query.get("since", ""))
        return web.Response(
            body=b'{"lines":%b}' % lines,
            headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
        )

    async def listener(self, request: web.Request) -> web.Response:
        """
        Answer with the listener's, in the same way.
        """
        require_admin(request, self._keys)
        detail = "The listener does not answer on its control port."
        away = Problem(503, "listener_unavailable", detail)
        return await pass_on(request, self._listener, away)
