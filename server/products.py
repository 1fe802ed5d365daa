"""
Products, and what is like them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aiohttp import web

from recommender.address import to_keys
from recommender.ranking import choose
from recommender.reasons import Seen, explain
from recommender.relations import add_rules
from recommender.snapshot import Row, Snapshot
from server.access import Keys, has_key
from server.answers import to_answer, to_explained, to_hits, to_product
from server.params import ProductParams, SimilarParams, parse, to_fields
from server.problems import Problem
from server.sight import SIGHT


class Products:
    """
    The doors under `/v1/products`.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/v1/products/{id}", self.product),
            web.get("/v1/products/{id}/similar", self.similar),
        )

    async def product(self, request: web.Request) -> web.Response:
        """
        Answer with the product itself.
        """
        params = parse(ProductParams, request.query)
        model = request[SIGHT].need_model()
        row = self._find(request, model.snapshot)
        items = to_product(row, to_fields(params.fields))
        return to_answer(request, items, model.fresh, is_private=not row.visible)

    async def similar(self, request: web.Request) -> web.Response:
        """
        Answer with the products most like it.
        """
        params = parse(SimilarParams, request.query)
        model = request[SIGHT].need_model()
        snapshot = model.snapshot
        row = self._find(request, snapshot)
        filters = add_rules(params.to_filters(), params.to_rules(), [row])
        filters = replace(filters, exclude=filters.exclude | {row.key})
        query = snapshot.query(row)
        hits = choose(snapshot, query, filters, params.to_choice())
        if params.explain:
            seen = Seen.of_rows([row])
            why = [explain(snapshot, query, hit.row, seen) for hit in hits]
            items = to_explained(hits, why, params.to_fields())
        else:
            items = to_hits(hits, params.to_fields())
        return to_answer(request, items, model.fresh, is_private=not row.visible)

    def _find(self, request: web.Request, snapshot: Snapshot) -> Row:
        """
        Return the product that the address names.

        A hidden one is shown only to who sends the admin key. That a request comes
        from this machine is not enough: so do those that the shop's own frontend
        server passes on from its visitors.

        Raises:
            Problem: 404 when a visitor may not know of such a product.
        """
        rows = map(snapshot.find, to_keys(request.match_info["id"]))
        row = next((row for row in rows if row is not None), None)
        if row is None or not (row.visible or has_key(request.headers, self._keys)):
            raise Problem(404, "unknown_product", "There is no such product.")
        return row
