"""
A stretch of the collection, read beside the loop to be compared with the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from listener.errors import PositionLost
from listener.feed import PageEnd, Source
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.row import Said, read_rows
from recommender.segment import build_segment
from recommender.weights import Weights


@dataclass(frozen=True, slots=True)
class Stretch:
    """
    Some products, as they were at a moment.

    Attributes:
        products: By key.
        rows: What a row of each has to say.
        end: Where the next stretch begins; None when this was the last.
        as_of: The moment was not later.
    """

    products: Mapping[bytes, Product]
    rows: Mapping[bytes, Said]
    end: PageEnd | None
    as_of: ClusterTime


@dataclass(frozen=True, slots=True)
class StretchReader:
    """
    Reads stretches of a source; any thread may.
    """

    source: Source
    weights: Weights

    def read(self, after: PageEnd | None, limit: int, since: ClusterTime) -> Stretch:
        """
        Return at most *limit* products that follow *after*, or the first ones.

        Whether it is the collection that is followed, nobody asks: that it was dropped
        or swapped is told by its feed, before that can come as far as this read.

        Args:
            since: A time that the database has reached.

        Raises:
            PositionLost: It is another database.
            ListenerError: It could not be read.
        """
        page = self.source.page(after, limit)
        as_of = self.source.now()
        if as_of < since:
            reason = "position_in_future"
            raise PositionLost(reason, "the time of the database has gone back")
        products = {product.key: product for product in page.products}
        segment = build_segment(products.values(), self.weights)
        return Stretch(
            products=products,
            rows=read_rows(segment),
            end=page.end,
            as_of=as_of,
        )
