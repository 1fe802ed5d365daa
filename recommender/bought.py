"""
What is recommended beside a product because of the orders, alone or with its text.
"""

from __future__ import annotations

import itertools
import math

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender import kernels, search_kernels
from recommender.filters import Filters, to_wanted
from recommender.ranking import Choice, choose, one_per
from recommender.reasons import contributions
from recommender.search_kernels import Wanted
from recommender.segment import Segment, key_hash
from recommender.snapshot import Row, Snapshot
from recommender.together import DECIMALS, Companion, companions, strongest


POOL: Final = (
    200  # of the most alike, and of the most bought together, that are blended
)

Passes = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Bought:
    """
    A product, and why it is recommended.

    Attributes:
        row: Where it is.
        score: Above 0 and at most 1.
        orders: In how many orders both are.
        text: The part of the score that its text gave.
    """

    row: Row
    score: float
    orders: int
    text: float

    @property
    def key(self) -> bytes:
        """
        The product's key.
        """
        return self.row.key

    @property
    def display(self) -> bytes:
        """
        A JSON object with what a page shows.
        """
        return self.row.display

    @property
    def is_lent(self) -> bool:
        """
        Whether no order holds both, and yet orders gave a part of the score.
        """
        return not self.orders and self.score > self.text


@dataclass(frozen=True, slots=True)
class Purchases:
    """
    What the orders say of one product.

    Attributes:
        companions: What is bought with it, highest score first.
        asked: Orders that hold it.
        total: Orders that count.
    """

    companions: Sequence[Companion]
    asked: int
    total: int

    @classmethod
    def of(cls, orders: Snapshot, key: bytes) -> Purchases:
        """
        Return what *orders* say of the product of *key*, known or not.
        """
        found = companions(orders, key)
        return cls(tuple(strongest(orders, found)), found.asked, found.total)


def bought_together(
    products: Snapshot, purchases: Purchases, filters: Filters, choice: Choice
) -> list[Bought]:
    """
    Return the visible products that are bought together with one, highest score first.

    `Filters.exclude` must name that product, too; `Choice.diversity` is not heeded.
    """
    return _taken(_sold(products, purchases, filters), choice)


def blended(  # noqa: PLR0913 each is one thing it asks
    products: Snapshot,
    row: Row,
    purchases: Purchases,
    filters: Filters,
    choice: Choice,
    *,
    share: float,
) -> list[Bought]:
    """
    Return the visible products that are like *row* or bought together with it, by
    (1 - share)·cosine + share·score of the orders, best first, ties by key.

    Blended are the `POOL` most alike and the `POOL` most bought together that pass. When
    nothing is bought together with it, these are the most alike with their own scores,
    as many as are asked for.

    Args:
        share: How much the orders count, from 0 to 1.
    """
    sold = {one.key: one for one in _first(_sold(products, purchases, filters))}
    query = products.query(row)
    if not sold or share == 0:
        hits = choose(products, query, filters, choice)
        return [Bought(hit.row, hit.score, 0, hit.score) for hit in hits]
    alike = choose(products, query, filters, Choice(POOL))
    by_hash = {one.key_hash: one for one in purchases.companions}
    found = []
    for hit in alike:
        one = by_hash.get(key_hash(hit.key))
        found.append(_blend(hit.row, hit.score, one, share))
        sold.pop(hit.key, None)
    for both in sold.values():
        text = math.fsum(contributions(products, query, both.row).values())
        found.append(_blend(both.row, text, by_hash[key_hash(both.key)], share))
    found = [one for one in found if one.score > 0]
    found.sort(key=lambda one: (-one.score, one.key))
    return _taken(found, choice)


def _blend(row: Row, text: float, sold: Companion | None, share: float) -> Bought:
    its_text = round((1 - share) * text, DECIMALS)
    score = its_text + share * (sold.score if sold else 0.0)
    return Bought(row, round(score, DECIMALS), sold.together if sold else 0, its_text)


def _taken(found: Iterable[Bought], choice: Choice) -> list[Bought]:
    found = itertools.takewhile(lambda one: one.score >= choice.least, found)
    if choice.one_per:
        found = one_per(found, choice.one_per)
    return list(itertools.islice(found, choice.offset, choice.offset + choice.limit))


def _first(found: Iterator[Bought]) -> Iterator[Bought]:
    return itertools.islice(found, POOL)


def _sold(
    products: Snapshot, purchases: Purchases, filters: Filters
) -> Iterator[Bought]:
    """
    Yield the companions that there are and that pass, in their order.
    """
    passes = _passing(filters)
    for one in purchases.companions:
        row = _find(products, one.key_hash)
        if row is not None and passes(row) and row.key not in filters.exclude:
            yield Bought(row, one.score, one.together, 0.0)


def _find(products: Snapshot, its_hash: int) -> Row | None:
    """
    Return where the living product is whose key has this hash.
    """
    sought = np.uint64(its_hash)
    for view in reversed(products.views):
        segment = view.segment
        at = int(kernels.find_first(segment.key_hashes, sought))
        if at < len(segment) and segment.key_hashes[at] == sought:
            row = int(segment.key_rows[at])
            if not view.dead[row]:
                return Row(view, row)
    return None


def _passing(filters: Filters) -> Passes:
    """
    Return what says of a row whether it is visible and passes.
    """
    known: dict[Segment, Wanted | None] = {}
    passed = np.empty(1, np.bool_)

    def passes(row: Row) -> bool:
        segment = row.view.segment
        if segment not in known:
            known[segment] = to_wanted(segment, filters)
        wanted = known[segment]
        if wanted is None:
            return False
        rows = kernels.read_only(np.array([row.row], np.int32))
        search_kernels.accept(rows, row.view.columns, wanted, passed)
        return bool(passed[0])

    return passes
