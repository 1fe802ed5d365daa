"""
What is bought together with a product, and what is recommended because of both that
and its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aiohttp import web

from recommender.bought import Bought, Purchases, blended, bought_together
from recommender.filters import Filters
from recommender.lent import lend
from recommender.reasons import Seen, explain
from recommender.snapshot import Row, Snapshot
from server.access import Keys
from server.answers import Items, to_answer, to_bought, to_orders
from server.lookup import find_named
from server.params import BoughtParams
from server.parsing import parse
from server.selection import to_filters
from server.sentence import to_bought_sentence
from server.sight import Model
from server.waiting import Waiting


class Purchased:
    """
    The doors that answer from orders, too.
    """

    def __init__(self, waiting: Waiting, keys: Keys, orders_share: float) -> None:
        """
        Args:
            orders_share: How much orders count beside texts, from 0 to 1.
        """
        self._waiting = waiting
        self._keys = keys
        self._share = orders_share

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/v1/products/{id}/bought-together", self.bought_together),
            web.get("/v1/products/{id}/recommended", self.recommended),
        )

    async def bought_together(self, request: web.Request) -> web.Response:
        """
        Answer with what is in the same orders more often than by chance.
        """
        return await self._answer(request, is_blended=False)

    async def recommended(self, request: web.Request) -> web.Response:
        """
        Answer with what is like it or bought together with it, the better for both.
        """
        return await self._answer(request, is_blended=True)

    async def _answer(self, request: web.Request, *, is_blended: bool) -> web.Response:
        params = parse(BoughtParams, request.query)
        model, orders = await self._waiting.both(request, params)
        snapshot = model.snapshot
        row = find_named(request, snapshot, self._keys)
        purchases = _to_purchases(orders, row.key)
        filters = to_filters(params, params, [row])
        if is_blended:
            lent = _to_lent(snapshot, orders, row, purchases)
            found = self._blend(snapshot, row, lent, filters, params)
        else:
            choice = params.to_choice()
            found = bought_together(snapshot, purchases, filters, choice)
        return to_answer(
            request,
            _to_items(snapshot, row, found, params),
            model.fresh,
            is_private=not row.visible,
            orders=to_orders(orders.fresh if orders else None, purchases),
        )

    def _blend(
        self,
        snapshot: Snapshot,
        row: Row,
        purchases: Purchases,
        filters: Filters,
        params: BoughtParams,
    ) -> list[Bought]:
        choice = params.to_choice()
        return blended(snapshot, row, purchases, filters, choice, share=self._share)


def _to_purchases(orders: Model | None, key: bytes) -> Purchases:
    return Purchases((), 0, 0) if orders is None else Purchases.of(orders.snapshot, key)


def _to_lent(
    products: Snapshot, orders: Model | None, row: Row, purchases: Purchases
) -> Purchases:
    return (
        purchases if orders is None else lend(products, orders.snapshot, row, purchases)
    )


def _to_items(
    snapshot: Snapshot, row: Row, found: Sequence[Bought], params: BoughtParams
) -> Items:
    if not params.explain:
        return to_bought(found, params.to_fields())
    query, seen = snapshot.query(row), Seen.of_rows([row])
    sentences = [
        to_bought_sentence(
            one.orders,
            explain(snapshot, query, one.row, seen) if one.text else None,
            is_lent=one.is_lent,
        )
        for one in found
    ]
    return to_bought(found, params.to_fields(), sentences)
