"""
Finding products without having seen one: by words, and by category.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from recommender.census import categories
from recommender.query import Query
from recommender.reasons import Seen
from recommender.text import to_words
from server.answers import to_categories
from server.params import PlainParams, SearchParams
from server.parsing import parse
from server.phrase import read_phrase
from server.recall import Recall, how_long
from server.selection import select
from server.waiting import Waiting


class Discovery:
    """
    The doors.
    """

    def __init__(self, waiting: Waiting, recall: Recall) -> None:
        self._waiting = waiting
        self._recall = recall

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the doors.
        """
        return (
            web.get("/v1/search", self.search),
            web.get("/v1/categories", self.categories),
        )

    async def search(self, request: web.Request) -> web.StreamResponse:
        """
        Answer with the products most like some words.
        """
        params = parse(SearchParams, request.query)
        model = await self._waiting.model(request, params)
        snapshot, filters = model.snapshot, params.to_filters()
        query = Query.of(read_phrase(snapshot, params.q))
        seen = Seen.of_rows([], to_words(params.q))
        items = select(snapshot, query, filters, params, seen)
        lasts = how_long(params, filters)
        self._recall.keep(request, snapshot, items, asked=params, lasts=lasts)
        return self._recall.give(request, items, model.fresh)

    async def categories(self, request: web.Request) -> web.StreamResponse:
        """
        Answer with all categories, and how many products each has.
        """
        model = await self._waiting.model(request, parse(PlainParams, request.query))
        items = to_categories(categories(model.snapshot))
        return self._recall.give(request, items, model.fresh)
