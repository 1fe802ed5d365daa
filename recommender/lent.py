"""
What the orders say of a product that few of them hold: they lend it what was bought
with those that are like it.

It is a function of two snapshots and nothing is kept, so it is as exact as they are.
"""

from __future__ import annotations

import dataclasses

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from recommender.bought import Purchases
from recommender.filters import Filters
from recommender.ranking import Choice, choose
from recommender.segment import key_hash
from recommender.snapshot import Row, Snapshot
from recommender.together import DECIMALS, SHRINKAGE, Companion


FEW: Final = 20  # orders; from here on a product is known by its own
LENDERS: Final = 20  # of the most alike, whether anybody bought them or not


def lend(
    products: Snapshot, orders: Snapshot, row: Row, purchases: Purchases
) -> Purchases:
    """
    Return *purchases* of the product of *row* with the `SHRINKAGE` orders on top, which
    have no companions otherwise, being like those of the visible products most like it:

        own + SHRINKAGE / (k1 + SHRINKAGE) · Σ cosine·score / Σ cosine

    over those that orders hold. As they are from `FEW` orders on, and where nothing that
    is like it was bought. In how many orders both were stays as it was, maybe in none.
    """
    if purchases.asked >= FEW:
        return purchases
    lent = _mean(products, orders, row)
    if not lent:
        return purchases
    part = SHRINKAGE / (purchases.asked + SHRINKAGE)
    own = {one.key_hash: one for one in purchases.companions}
    found = []
    for hashed in own.keys() | lent.keys():
        one = own.get(hashed, Companion(hashed, 0.0, 0))
        score = round(one.score + part * lent.get(hashed, 0.0), DECIMALS)
        if score > 0:
            found.append(Companion(hashed, score, one.together))
    found.sort(key=lambda one: (-one.score, -one.together, one.key_hash))
    return dataclasses.replace(purchases, companions=tuple(found))


def _mean(products: Snapshot, orders: Snapshot, row: Row) -> Mapping[int, float]:
    """
    Return the mean score with the products like that of *row*, by the hash of the key.
    """
    total = 0.0
    scores: dict[int, float] = defaultdict(float)
    for cosine, its in _lenders(products, orders, row):
        total += cosine
        for one in its.companions:
            scores[one.key_hash] += cosine * one.score
    scores.pop(key_hash(row.key), None)
    return {hashed: score / total for hashed, score in scores.items()}


def _lenders(
    products: Snapshot, orders: Snapshot, row: Row
) -> Iterator[tuple[float, Purchases]]:
    filters = Filters(exclude=frozenset([row.key]))
    for hit in choose(products, products.query(row), filters, Choice(LENDERS)):
        its = Purchases.of(orders, hit.key)
        if its.asked:
            yield hit.score, its
