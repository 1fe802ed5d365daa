"""
Answers from what is remembered, where that is as good as to work them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from recommender.filters import Filters
from recommender.snapshot import Row, Snapshot
from server.answers import Items, to_answer
from server.freshness import Freshness
from server.params import Fresh, Selection
from server.ready import Press
from server.remembered import Lasts, Remembered
from server.sight import SIGHT


ASKING: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


class Recall:
    """
    Stands before the doors whose answers depend on the address alone.
    """

    def __init__(self, remembered: Remembered, press: Press) -> None:
        """
        Args:
            press: Makes ready what anybody may see.
        """
        self._remembered = remembered
        self._press = press

    def answer(self, request: web.Request) -> web.StreamResponse | None:
        """
        Return the answer; None when it must be worked out.
        """
        model = request[SIGHT].model
        if model is None or request.method not in ASKING:
            return None
        items = self._remembered.find(model.snapshot, request.raw_path)
        return None if items is None else self.give(request, items, model.fresh)

    def give(
        self, request: web.Request, items: Items, fresh: Freshness
    ) -> web.StreamResponse:
        """
        Return the answer to *request*, which anybody may see.
        """
        ready = self._press.compose(request, items, fresh)
        return ready or to_answer(request, items, fresh)

    def keep(  # noqa: PLR0913 all that an answer is made of
        self,
        request: web.Request,
        snapshot: Snapshot,
        items: Items,
        *,
        asked: Fresh,
        lasts: Lasts,
        rows: Sequence[Row] = (),
    ) -> None:
        """
        Remember what has been worked out, unless somebody waited for it or nobody else
        may see it.

        Args:
            rows: The products asked about.
        """
        if asked.after is None and all(row.visible for row in rows):
            about = frozenset(row.key for row in rows)
            self._remembered.keep(
                snapshot, request.raw_path, items, about=about, lasts=lasts
            )


def how_long(asked: Selection, filters: Filters) -> Lasts:
    """
    Return how long a list may be good. A product that is not in it has a part in it by
    its terms alone, unless it was filtered, or passed over: one of those that goes moves
    up all behind it.
    """
    choice = asked.to_choice()
    is_chosen = choice.one_per or choice.diversity or choice.offset
    is_by_likeness = filters.asks_nothing and not is_chosen
    return Lasts.BY_SCORES if is_by_likeness else Lasts.FOR_NOW
