"""
The store's files, for a listener elsewhere that begins with a copy of them.
"""

from __future__ import annotations

import asyncio

from collections.abc import Iterable

from aiohttp import web

from recommender import manifest as manifests
from recommender.errors import RecommenderError, StoreEmpty
from recommender.store import DURABLE, StoreReader
from server.access import Keys
from server.doors import require_admin
from server.problems import Problem


BYTES = "application/octet-stream"
NEVER_KEPT = {"Cache-Control": "no-store", "Content-Type": BYTES}


class Stored:
    """
    The doors, for admins: what is in the files no visitor may see.
    """

    def __init__(self, reader: StoreReader, keys: Keys) -> None:
        self._reader = reader
        self._keys = keys

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/v1/store/manifest", self.manifest),
            web.get("/v1/store/segments/{name}", self.segment),
        )

    async def manifest(self, request: web.Request) -> web.Response:
        """
        Answer with the manifest that a crash would fall back to: it is at most some
        seconds old, and knows, unlike the current one, how far a quiet model is good.
        """
        require_admin(request, self._keys)
        try:
            found = await asyncio.to_thread(self._reader.read_pointer, DURABLE)
        except RecommenderError as error:
            raise Problem(503, "no_model", str(error)) from error
        return web.Response(body=manifests.to_bytes(found), headers=NEVER_KEPT)

    async def segment(self, request: web.Request) -> web.StreamResponse:
        """
        Answer with a segment's file, as long as it is there.
        """
        require_admin(request, self._keys)
        try:
            path = self._reader.find_segment(request.match_info["name"])
        except StoreEmpty as error:
            raise Problem(404, "not_found", str(error)) from error
        return web.FileResponse(path, headers=NEVER_KEPT)
