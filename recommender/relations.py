"""
Rules relative to the products seen, as filters.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from recommender.filters import Filters
from recommender.snapshot import Row


@dataclass(frozen=True, slots=True)
class Rules:
    """
    How the products returned must stand to those seen: to at least one of them, and
    False asks for standing so to none. None: not asked.

    Attributes:
        price_within: The price differs by at most this part of the one seen.
        cheaper: Costs less; False: at least as much as each.
        same_brand: Is of its brand.
        same_category: Is in its innermost category, or below it.
    """

    price_within: float | None = None
    cheaper: bool | None = None
    same_brand: bool | None = None
    same_category: bool | None = None


NO_RULES: Final = Rules()


def add_rules(filters: Filters, rules: Rules, seen: Sequence[Row]) -> Filters:
    """
    Return *filters* with *rules* about *seen* added.

    What was seen without a price, a brand or a category has nothing to compare with:
    then no price is near it, lower or higher, and no brand or category the same.
    """
    if rules == NO_RULES:
        return filters
    prices = [row.price for row in seen if not math.isnan(row.price)]
    filters = _with_prices(filters, rules, prices)
    if rules.same_brand is not None:
        brands = _known(row.brand for row in seen)
        filters = (
            replace(filters, same_brands=brands)
            if rules.same_brand
            else replace(filters, not_brands=filters.not_brands + brands)
        )
    if rules.same_category is not None:
        categories = _known(row.category for row in seen)
        filters = (
            replace(filters, within=categories)
            if rules.same_category
            else replace(filters, outside=categories)
        )
    return filters


def _with_prices(filters: Filters, rules: Rules, prices: Sequence[float]) -> Filters:
    least, most = -math.inf, math.inf
    if rules.cheaper is True:
        most = math.nextafter(max(prices, default=-math.inf), -math.inf)
    elif rules.cheaper is False:
        least = max(prices, default=math.inf)
    near = [(-math.inf, math.inf)]
    if rules.price_within is not None:
        part = rules.price_within
        near = [(price * (1 - part), price * (1 + part)) for price in prices]
    elif rules.cheaper is None:
        return filters
    ranges = ((max(low, least), min(high, most)) for low, high in near)
    return replace(
        filters, ranges=tuple((low, high) for low, high in ranges if low <= high)
    )


def _known(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
