"""
The desk's door to the demo's database, on loopback: the only one by which anything of
ours writes while the demo runs.

It is asked by the server, which passes on what the page sends, and obeys the same
admin rule.
"""

from __future__ import annotations

import asyncio
import re
import time

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from listener.demo.draft import Draft
from listener.demo.seller import Seller, UnknownProduct, Write
from listener.serving import serve_in_background
from server.access import Keys
from server.body import receive
from server.doors import require_admin
from server.problems import Problem, problem_middleware


LARGEST_BODY: Final = 64 * 1024
LIMIT: Final = 50
DEEPEST: Final = 100_000  # products that a page may skip
PATIENCE_MS: Final = 3_000  # somebody looks at a button meanwhile

_WHOLE: Final = re.compile(r"[0-9]{1,9}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """
    The doors: list, create, edit, delete.
    """

    seller: Seller
    keys: Keys

    def make_app(self) -> web.Application:
        """
        Return the application.
        """
        app = web.Application(
            middlewares=[problem_middleware, self._admins_only],
            client_max_size=LARGEST_BODY,
        )
        app.router.add_get("/products", self.list)
        app.router.add_post("/products", self.create)
        app.router.add_patch("/products/{id}", self.edit)
        app.router.add_delete("/products/{id}", self.delete)
        return app

    async def list(self, request: web.Request) -> web.Response:
        """
        Answer with products of any status, newest first, and the counts of each.
        """
        listing = await _asked(
            lambda: self.seller.find(
                status=request.query.get("status", ""),
                words=request.query.get("q", ""),
                limit=_to_whole(request, "limit", LIMIT),
                offset=_to_whole(request, "offset", 0),
            )
        )
        return _json({"items": listing.items, "counts": listing.counts})

    async def create(self, request: web.Request) -> web.Response:
        """
        Insert a product; it needs a name.
        """
        draft = await _to_draft(request)
        if draft.name is None:
            raise _bad([{"field": "name", "message": "is needed"}])
        return await self._written(lambda: self.seller.create(draft), status=201)

    async def edit(self, request: web.Request) -> web.Response:
        """
        Set the fields that are sent; `status` approves or rejects.
        """
        address = request.match_info["id"]
        draft = await _to_draft(request)
        if not draft.to_fields():
            raise _bad([{"field": "", "message": "nothing is to be changed"}])
        return await self._written(lambda: self.seller.edit(address, draft))

    async def delete(self, request: web.Request) -> web.Response:
        """
        Remove a product.
        """
        address = request.match_info["id"]
        return await self._written(lambda: self.seller.delete(address))

    @web.middleware
    async def _admins_only(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        require_admin(request, self.keys)
        return await handler(request)

    async def _written(
        self, write: Callable[[], Write], *, status: int = 200
    ) -> web.Response:
        began_s = time.perf_counter()
        written = await _asked(write)
        return _json(
            {
                "id": written.product_id,
                "operation_time": written.operation_time,
                "write_ms": round((time.perf_counter() - began_s) * 1000, 3),
            },
            status,
        )


@contextmanager
def open_desk(
    uri: str, database: str, collection: str, keys: Keys, port: int
) -> Iterator[None]:
    """
    Serve the desk of a database while the context lasts.

    Raises:
        OSError: The port is taken.
    """
    with MongoClient[dict[str, Any]](
        uri, serverSelectionTimeoutMS=PATIENCE_MS, tz_aware=True
    ) as client:
        app = Desk(Seller(client, database, collection), keys).make_app()
        stop = serve_in_background(app, port, name="desk")
        try:
            yield
        finally:
            stop()


async def _asked(ask: Callable[[], T]) -> T:
    """
    Return what the database answers.

    Raises:
        Problem: 404 for a product that is not there, 503 when it does not answer.
    """
    try:
        return await asyncio.to_thread(ask)
    except UnknownProduct as error:
        raise Problem(404, "unknown_product", "There is no such product.") from error
    except PyMongoError as error:
        raise Problem(
            503,
            "database_unavailable",
            "The demo's database does not answer now; nothing was lost.",
            headers={"Retry-After": "2"},
        ) from error


async def _to_draft(request: web.Request) -> Draft:
    if request.content_type != "application/json":
        # A form of another site could send any other type without asking.
        detail = "Send the product as application/json."
        raise Problem(415, "unsupported_media_type", detail)
    try:
        return Draft.model_validate_json(await receive(request))
    except ValidationError as error:
        raise _bad(
            [
                {"field": ".".join(map(str, fault["loc"])), "message": fault["msg"]}
                for fault in error.errors()
            ]
        ) from error


def _bad(faults: list[dict[str, str]]) -> Problem:
    detail = " ".join(f"{one['field']}: {one['message']}." for one in faults)
    return Problem(400, "bad_product", detail, faults=faults)


def _to_whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return min(int(text), DEEPEST) if _WHOLE.fullmatch(text) else default


def _json(content: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(content),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
