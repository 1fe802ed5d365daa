"""
Products, what is like them, and the newest of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from recommender.address import to_keys
from recommender.newest import newest
from recommender.reasons import Seen
from recommender.snapshot import Row
from server.access import Keys
from server.answers import Items, to_answer, to_products
from server.freshness import Freshness
from server.lookup import find_named
from server.params import LatestParams, ProductParams, SimilarParams, to_fields
from server.parsing import parse
from server.recall import Recall, how_long
from server.remembered import Lasts
from server.selection import select, to_filters
from server.waiting import Waiting


class Products:
    """
    The doors under `/v1/products`.
    """

    def __init__(self, waiting: Waiting, keys: Keys, recall: Recall) -> None:
        self._waiting = waiting
        self._keys = keys
        self._recall = recall

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/v1/products/latest", self.latest),
            web.get("/v1/products/{id}/similar", self.similar),  # looked for in turn
            web.get("/v1/products/{id}", self.product),
        )

    async def latest(self, request: web.Request) -> web.StreamResponse:
        """
        Answer with the newest products.
        """
        params = parse(LatestParams, request.query)
        model = await self._waiting.model(request, params)
        rows = newest(model.snapshot, params.to_filters(), params.to_choice())
        items = to_products(rows, params.to_fields())
        return self._recall.give(request, items, model.fresh)

    async def product(self, request: web.Request) -> web.StreamResponse:
        """
        Answer with the product itself.
        """
        params = parse(ProductParams, request.query)
        model = await self._waiting.model(request, params)
        snapshot = model.snapshot
        row = find_named(request, snapshot, self._keys)
        items = to_products([row], to_fields(params.fields))
        lasts = Lasts.BY_ITSELF if _is_sure(request, row) else Lasts.FOR_NOW
        self._recall.keep(
            request, snapshot, items, asked=params, lasts=lasts, rows=[row]
        )
        return self._give(request, items, model.fresh, row)

    async def similar(self, request: web.Request) -> web.StreamResponse:
        """
        Answer with the products most like it.
        """
        params = parse(SimilarParams, request.query)
        model = await self._waiting.model(request, params)
        snapshot = model.snapshot
        row = find_named(request, snapshot, self._keys)
        filters = to_filters(params, params, [row])
        seen = Seen.of_rows([row] if params.explain else [])
        items = select(snapshot, snapshot.query(row), filters, params, seen)
        lasts = how_long(params, filters)
        if not _is_sure(request, row):
            lasts = Lasts.FOR_NOW
        self._recall.keep(
            request, snapshot, items, asked=params, lasts=lasts, rows=[row]
        )
        return self._give(request, items, model.fresh, row)

    def _give(
        self, request: web.Request, items: Items, fresh: Freshness, row: Row
    ) -> web.StreamResponse:
        if row.visible:
            return self._recall.give(request, items, fresh)
        return to_answer(request, items, fresh, is_private=True)


def _is_sure(request: web.Request, row: Row) -> bool:
    """
    Say whether the address means this product first of all, so that no other, visible
    or not, can come between.
    """
    return row.key == to_keys(request.match_info["id"])[0]
