"""
The last moments before a stop, in which callers find their way to another server.
"""

from __future__ import annotations

from aiohttp import hdrs, web


class Draining:
    """
    Whether the server is about to stop.
    """

    def __init__(self) -> None:
        self.is_on = False

    def tell(self, response: web.StreamResponse) -> None:
        """
        Let each answer end its connection, so that the next request opens one to who
        goes on.
        """
        if self.is_on:
            response.headers[hdrs.CONNECTION] = "close"
            response.force_close()
