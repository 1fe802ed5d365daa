"""
What may be known of the model: by visitors, and by admins.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiohttp
import orjson

from aiohttp import web

from recommender.errors import RecommenderError
from recommender.manifest import Manifest
from recommender.store import DURABLE, StoreReader
from server.access import Keys, has_key
from server.answers import to_iso, to_json, to_model
from server.doors import passed_on
from server.params import PlainParams
from server.parsing import parse
from server.sight import SIGHT
from server.waiting import Waiting


ASK_S: Final = 2.0  # the listener is on this machine; its loop may be busy for a moment
TOLD: Final = ("since_s", "failures", "last_error", "oplog_window_s", "settings")


class ModelDoor:
    """
    The door.
    """

    def __init__(
        self, waiting: Waiting, reader: StoreReader, keys: Keys, control_port: int
    ) -> None:
        self._waiting = waiting
        self._reader = reader
        self._keys = keys
        self._url = f"http://127.0.0.1:{control_port}/details"

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the door.
        """
        return (web.get("/v1/model", self.model),)

    async def model(self, request: web.Request) -> web.Response:
        """
        Answer with what the caller may know of the model.
        """
        model = await self._waiting.model(request, parse(PlainParams, request.query))
        position = request[SIGHT].served.position
        content: dict[str, Any] = {
            **to_model(model.fresh),
            "products": model.snapshot.products,
            "visible": model.snapshot.visible,
            "state": position.state.value if position else None,
            "reason": model.fresh.reason,
        }
        if has_key(request.headers, self._keys):
            content["checkpoint"] = await self._checkpoint()
            content["listener"] = await self._listener(request.headers)
        return to_json(content)

    async def _checkpoint(self) -> dict[str, Any] | None:
        """
        Return the position that a crash of the listener would fall back to.
        """
        manifest = await asyncio.to_thread(self._durable)
        if manifest is None:
            return None
        age_s = round(max(0.0, time.time() - manifest.as_of.seconds), 3)
        return {
            "generation": manifest.generation,
            "as_of": to_iso(manifest.as_of),
            "age_s": age_s,
        }

    def _durable(self) -> Manifest | None:
        try:
            return self._reader.read_pointer(DURABLE)
        except RecommenderError:
            return None

    async def _listener(self, headers: Mapping[str, str]) -> dict[str, Any] | None:
        """
        Return what the listener says of itself; None when it says nothing.
        """
        timeout = aiohttp.ClientTimeout(total=ASK_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._url, headers=passed_on(headers)) as answer,
            ):
                answer.raise_for_status()
                said = orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return (
            {name: said.get(name) for name in TOLD} if isinstance(said, dict) else None
        )
