"""
Several widgets in one call, each from any number of products or words.
"""

from __future__ import annotations

import asyncio

from collections.abc import Iterable, Sequence
from typing import Final

from aiohttp import web

from recommender.query import Part, Query, blend
from recommender.reasons import Seen
from recommender.snapshot import Row, Snapshot
from recommender.text import to_words
from server.access import Keys
from server.answers import Result, to_results
from server.body import read_body
from server.lookup import find, sees_hidden
from server.params import NoParams, Recommendations, Weighted, Widget
from server.parsing import parse
from server.phrase import read_phrase
from server.selection import select, to_filters
from server.shedding import Overloaded, Shedding
from server.waiting import Waiting


MOST_AT_ONCE: Final = 32  # calls being worked out, or waiting for a thread to do so


class Recommender:
    """
    The door; widgets are worked out in a thread, so that other requests go on.
    """

    def __init__(self, waiting: Waiting, keys: Keys, shedding: Shedding) -> None:
        self._waiting = waiting
        self._keys = keys
        self._shedding = shedding
        self._busy = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """
        Return the door.
        """
        return (web.post("/v1/recommendations", self.recommend),)

    async def recommend(self, request: web.Request) -> web.Response:
        """
        Answer each of the requests, in order, from one generation.

        Raises:
            Overloaded: Too many others are being worked out.
            Problem: 503 when one of them asks with words that cannot be read.
        """
        parse(NoParams, request.query)
        body = await read_body(Recommendations, request)
        model = await self._waiting.model(request, body)
        is_admin = sees_hidden(request, self._keys)

        def work() -> list[Result]:
            return [
                _recommend(model.snapshot, widget, is_admin=is_admin)
                for widget in body.requests
            ]

        if self._busy >= MOST_AT_ONCE:
            self._shedding.note()
            raise Overloaded
        self._busy += 1
        try:
            results = await asyncio.to_thread(work)
        finally:
            self._busy -= 1
        return to_results(results, model.fresh)


def _recommend(snapshot: Snapshot, widget: Widget, *, is_admin: bool) -> Result:
    unknown: list[str] = []

    def to_rows(asked: Sequence[Weighted]) -> list[tuple[Row, float]]:
        found = [(one, find(snapshot, one.id, is_admin=is_admin)) for one in asked]
        unknown.extend(one.id for one, row in found if row is None)
        return [(row, one.weight) for one, row in found if row is not None]

    wanted, unwanted = to_rows(widget.items), to_rows(widget.negative)
    parts = _to_parts(snapshot, wanted)
    if widget.q is not None:
        parts.append(Part(read_phrase(snapshot, widget.q)))
    query = Query.of(blend(parts, _to_parts(snapshot, unwanted)))
    seen = [row for row, _ in wanted]
    filters = to_filters(widget, widget, seen, [row for row, _ in unwanted])
    shown = Seen.of_rows(seen if widget.explain else [], to_words(widget.q or ""))
    return Result(select(snapshot, query, filters, widget, shown), unknown)


def _to_parts(snapshot: Snapshot, weighted: Iterable[tuple[Row, float]]) -> list[Part]:
    return [Part(snapshot.vector(row), weight) for row, weight in weighted]
