"""
The page's desk: passed on to the demo, which writes to its own database.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from aiohttp import web

from server.access import Keys
from server.doors import require_admin
from server.passing import pass_on, to_url
from server.problems import Problem


PRODUCTS: Final = "/ui/desk/products"


class Desk:
    """
    The doors under `/ui/desk`; there only where the database is the demo's own.
    """

    def __init__(self, keys: Keys, port: int) -> None:
        """
        Args:
            keys: The admin keys.
            port: Of the demo's desk, on loopback; 0 when there is none.
        """
        self._keys = keys
        self._port = port

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        one = f"{PRODUCTS}/{{id}}"
        return (
            web.get(PRODUCTS, self.products),
            web.post(PRODUCTS, self.products),
            web.patch(one, self.product),
            web.delete(one, self.product),
        )

    async def products(self, request: web.Request) -> web.Response:
        """
        List products of any status, or create one.
        """
        return await self._passed_on(request, "/products")

    async def product(self, request: web.Request) -> web.Response:
        """
        Edit, approve, reject or delete one.
        """
        address = quote(request.match_info["id"], safe="")
        return await self._passed_on(request, f"/products/{address}")

    async def _passed_on(self, request: web.Request, path: str) -> web.Response:
        require_admin(request, self._keys)
        if not self._port:
            raise Problem(
                404,
                "no_desk",
                "There is no desk: it belongs to the embedded database of `make run`. "
                "Nothing of ours writes to another one.",
            )
        away = Problem(
            503,
            "desk_unavailable",
            "The demo's desk does not answer; `make run` starts it.",
            headers={"Retry-After": "2"},
        )
        return await pass_on(request, to_url(self._port, path), away)
