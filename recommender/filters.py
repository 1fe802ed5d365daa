"""
What the products returned must be, and the same in one segment's codes.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from operator import attrgetter
from typing import Final

import numpy as np

from recommender.facets import Codes, brand_codes, category_codes
from recommender.kernels import Bools, Doubles, read_only
from recommender.search_kernels import Wanted
from recommender.segment import Segment


@dataclass(frozen=True, slots=True)
class Filters:
    """
    What the products returned must be.

    Attributes:
        categories: Any of these: an element of the path, or a prefix "a > b" of
            it, whatever the case. Empty: any category or none.
        not_categories: None of these, named likewise.
        within: Any of these category paths, exactly, or what is below it. None: not
            asked; empty: nothing is.
        outside: None of these category paths, likewise.
        brands: Any of these, whatever the case. Empty: any brand or none.
        not_brands: None of these.
        same_brands: Any of these. None: not asked; empty: nothing is.
        min_price: Inclusive; a product without a price has none to offer.
        max_price: Inclusive, likewise.
        ranges: The price lies in any of these, bounds included. None: not asked;
            empty: nothing does.
        in_stock: Whether it must, or must not, be in stock.
        exclude: Keys that are not wanted.
    """

    categories: tuple[str, ...] = ()
    not_categories: tuple[str, ...] = ()
    within: tuple[str, ...] | None = None
    outside: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    not_brands: tuple[str, ...] = ()
    same_brands: tuple[str, ...] | None = None
    min_price: float | None = None
    max_price: float | None = None
    ranges: tuple[tuple[float, float], ...] | None = None
    in_stock: bool | None = None
    exclude: frozenset[bytes] = frozenset()

    @property
    def asks_nothing(self) -> bool:
        """
        Whether any product will do, but for those that are not wanted.
        """
        return _asked(self) == _asked(NO_FILTERS)


NO_FILTERS: Final = Filters()
_asked = attrgetter(*(one.name for one in fields(Filters) if one.name != "exclude"))
NO_TABLE: Final = read_only(np.zeros(0, np.bool_))
NO_RANGES: Final = read_only(np.zeros(0, np.float64))


def to_wanted(segment: Segment, filters: Filters) -> Wanted | None:
    """
    Return the filters in the segment's own codes; None when no row can pass.
    """
    if filters is NO_FILTERS:
        return NOTHING_ASKED
    among, within, unwanted = _categories(segment, filters)
    brands = _brands(segment, filters)
    is_hopeless = (
        filters.ranges == ()
        or (filters.categories and not len(among))
        or (filters.within is not None and not len(within))
        or (len(brands) and not np.count_nonzero(brands))
    )
    if is_hopeless:
        return None
    lows, highs = _bounds(filters.ranges) if filters.ranges else (NO_RANGES, NO_RANGES)
    return Wanted(
        among,
        within,
        unwanted,
        brands,
        -1 if filters.in_stock is None else int(filters.in_stock),
        math.nan if filters.min_price is None else float(filters.min_price),
        math.nan if filters.max_price is None else float(filters.max_price),
        lows,
        highs,
    )


def _categories(segment: Segment, filters: Filters) -> tuple[Bools, Bools, Bools]:
    """
    Return the tables of categories: one of which, within one of which, and none of
    which a row must be.
    """
    categories, within = filters.categories, filters.within or ()
    others, outside = filters.not_categories, filters.outside
    if not (categories or within or others or outside):
        return NO_TABLE, NO_TABLE, NO_TABLE
    codes = category_codes(segment)
    unwanted = chain(map(codes.of, others), map(codes.of_whole, outside))
    return (
        _table(codes.size, map(codes.of, categories)),
        _table(codes.size, map(codes.of_whole, within)),
        _table(codes.size, unwanted),
    )


def _table(size: int, codes: Iterable[Iterable[int]]) -> Bools:
    """
    Return a table with *codes* marked, empty when there are none of them.
    """
    marked = [code for some in codes for code in some]
    if not marked:
        return NO_TABLE
    table = bytearray(size)  # a few marks in an array take longer
    for code in marked:
        table[code] = True
    return read_only(np.frombuffer(table, np.bool_))


def _brands(segment: Segment, filters: Filters) -> Bools:
    """
    Return the table of brands, its last place for no brand; empty when any will do.
    """
    if not filters.brands and not filters.not_brands and filters.same_brands is None:
        return NO_TABLE
    codes = brand_codes(segment)
    table = np.ones(codes.size + 1, np.bool_)
    for asked in (filters.brands or None, filters.same_brands):
        if asked is not None:
            table &= _marked(codes, asked)
    for name in filters.not_brands:
        table[codes.of(name)] = False
    return read_only(table)


def _marked(codes: Codes, names: Iterable[str]) -> Bools:
    table = np.zeros(codes.size + 1, np.bool_)
    for name in names:
        table[codes.of(name)] = True
    return table


def _bounds(ranges: Sequence[tuple[float, float]]) -> tuple[Doubles, Doubles]:
    """
    Return where each range begins, and where it ends.
    """
    lows, highs = np.array(ranges, np.float64).T
    return read_only(lows.copy()), read_only(highs.copy())


NOTHING_ASKED: Final = Wanted(
    NO_TABLE, NO_TABLE, NO_TABLE, NO_TABLE, -1, math.nan, math.nan, NO_RANGES, NO_RANGES
)
