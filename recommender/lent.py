"""
What the orders say of a product that few of them hold: they lend it what was bought
with those that are like it.

It is a function of two snapshots and nothing is kept, so it is as exact as they are.
"""

from __future__ import annotations

import dataclasses

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from recommender.bought import Purchases
from recommender.filters import Filters
from recommender.order import to_term
from recommender.ranking import Choice, choose
from recommender.snapshot import Row, Snapshot
from recommender.together import (
    DECIMALS,
    SHRINKAGE,
    Companion,
    Companions,
    companions,
    name_of,
    shares,
)


FEW: Final = 20  # orders; from here on a product is known by its own
LENDERS: Final = 20  # of the most alike, whether anybody bought them or not
MOST: Final = 1_000  # of what they lend; filters leave enough of so many


def lend(
    products: Snapshot, orders: Snapshot, row: Row, purchases: Purchases
) -> Purchases:
    """
    Return *purchases* of the product of *row* with the `SHRINKAGE` orders on top, which
    have no companions otherwise, being like those of the visible products most like it:

        own + SHRINKAGE / (k1 + SHRINKAGE) · Σ cosine·share / Σ cosine

    over those that orders hold, with the `MOST` greatest of such means. What is with one
    of them by chance is not lent; what is not counts as often as it was, for of a
    product that is known so little, what sells well is half of what can be said. As they
    are from `FEW` orders on, and where nothing that is like it was bought. In how many
    orders both were stays as it was, maybe in none.
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
    Return the mean share with the products like that of *row*, by the hash of the key;
    equal means in order of the terms.
    """
    lenders = list(_lenders(products, orders, row))
    if not lenders:
        return {}
    cosines = [np.full(len(its.terms), cosine) for cosine, its in lenders]
    terms, first, place = np.unique(
        np.concatenate([its.terms for _, its in lenders]),
        return_index=True,
        return_inverse=True,
    )
    weighed = np.concatenate(cosines) * np.concatenate([shares(i) for _, i in lenders])
    # each sum in the order of the lenders, whatever their segments are
    means = np.bincount(place, weighed, len(terms)) / sum(c for c, _ in lenders)
    means[terms == np.uint64(to_term(row.key))] = 0.0
    means = np.round(means, DECIMALS)
    best = np.lexsort((terms, -means))[: min(MOST, int(np.count_nonzero(means)))]
    views = np.concatenate([its.views for _, its in lenders])[first]
    places = np.concatenate([its.places for _, its in lenders])[first]
    return {
        name_of(orders, int(views[one]), int(places[one])): float(means[one])
        for one in best
    }


def _lenders(
    products: Snapshot, orders: Snapshot, row: Row
) -> Iterator[tuple[float, Companions]]:
    filters = Filters(exclude=frozenset([row.key]))
    for hit in choose(products, products.query(row), filters, Choice(LENDERS)):
        found = companions(orders, hit.key)
        if found.asked:
            yield hit.score, found
