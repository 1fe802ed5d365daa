"""
The last log lines of both processes, for the page's operations view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiohttp import web

from recommender.logs import KEPT, RECENT
from server.access import Keys
from server.doors import require_admin
from server.line import Line
from server.passing import pass_on, to_url
from server.problems import Problem


class Lines:
    """
    The doors under `/ui/logs`, for admins.

    Attributes:
        line: Leads to the other workers, if there are any.
    """

    def __init__(self, keys: Keys, control_port: int) -> None:
        self.line: Line | None = None
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
        Answer with those of all workers; with `since`, those with a later timestamp.
        """
        require_admin(request, self._keys)
        since = request.query.get("since", "")
        if self.line is None:
            texts = [self.to_text(since)]
        else:
            texts = [*(await self.line.gather("lines", since)).values()]
        return web.Response(
            body=f'{{"lines":[{",".join(_merged(texts))}]}}'.encode(),
            headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
        )

    def to_text(self, since: str) -> str:
        """
        Return this process's own, each with its time before it.
        """
        return "\n".join(f"{at} {line.decode()}" for at, line in RECENT.later(since))

    async def listener(self, request: web.Request) -> web.Response:
        """
        Answer with the listener's, in the same way.
        """
        require_admin(request, self._keys)
        detail = "The listener does not answer on its control port."
        away = Problem(503, "listener_unavailable", detail)
        return await pass_on(request, self._listener, away)


def _merged(texts: Iterable[str]) -> Iterator[str]:
    """
    Yield the lines of several processes by their times, the last ones if they are too
    many. What was said before a worker was forked it has from its leader, so that
    several have it.
    """
    lines = sorted({line for text in texts for line in text.split("\n") if line})
    return (line.partition(" ")[2] for line in lines[-KEPT:])
