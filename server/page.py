"""
The page at `/ui/`, and the client that any page may take from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from server.files import File, load_files
from server.problems import Problem


PAGE: Final = "/ui/"
INDEX: Final = "index.html"

# Nothing comes from elsewhere, and nothing goes there.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
OURS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The client is no secret: a module of another origin loads only if it may.
ANYBODYS: Final[Mapping[str, str]] = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """
    The doors to files.
    """

    def __init__(self) -> None:
        self._page = load_files("ui")
        self._client = load_files("client")

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/client.js", self.client),
            web.get("/client.d.ts", self.client),
            web.get("/ui", self.redirect),
            web.get("/ui/{name:[^/]*}", self.page),
        )

    async def client(self, request: web.Request) -> web.Response:
        """
        Answer with the client, or its types.
        """
        file = self._client[request.path.removeprefix("/")]
        return file.to_response(request, ANYBODYS)

    async def redirect(self, _request: web.Request) -> web.Response:
        """
        Send the browser to where relative addresses are right.
        """
        raise web.HTTPPermanentRedirect(PAGE)

    async def page(self, request: web.Request) -> web.Response:
        """
        Answer with a file of the page.
        """
        return self._find(request.match_info["name"]).to_response(request, OURS)

    def _find(self, name: str) -> File:
        file = self._page.get(name or INDEX)
        if file is None:
            raise Problem(404, "not_found", "There is nothing at this address.")
        return file


def wants_page(request: web.Request) -> bool:
    """
    Say whether a browser asks, rather than a program.
    """
    return "text/html" in request.headers.get("Accept", "")
