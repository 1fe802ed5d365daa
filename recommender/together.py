"""
What is bought together with a product, counted over the orders that live.

A pair counts the orders that hold both. It is counted when it is asked for, in the
orders that hold the product asked about, so it equals a count from scratch whatever
became of the orders before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from numpy.typing import NDArray

from recommender import kernels
from recommender.kernels import Doubles, Hashes, Longs
from recommender.order import to_key_hash, to_term
from recommender.snapshot import Snapshot, View


LEAST_SUPPORT: Final = 2  # orders; what happened once may be chance
LEAST_RATIO: Final = 3.84  # of G²: chi-square, one degree of freedom, one in twenty
SHRINKAGE: Final = 5.0  # orders without companions that each product is given on top
DECIMALS: Final = 9  # as far as scores are compared
NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Companions:
    """
    What is bought with a product: C others, in order of their terms.

    Attributes:
        terms: Of the products, (C,).
        places: Each in the dictionary of one of the views, (C,).
        views: Which one, (C,).
        together: Orders that hold both, (C,).
        orders: Orders that hold each, with the product asked about or not, (C,).
        asked: Orders that hold the product asked about.
        total: Orders that count.
    """

    terms: Hashes
    places: Longs
    views: Longs
    together: Longs
    orders: Longs
    asked: int
    total: int


@dataclass(frozen=True, slots=True)
class Companion:
    """
    A product that is bought with another.

    Attributes:
        key_hash: Of its key; maybe of no product that there is now.
        score: See `scores`; above 0.
        together: In how many orders.
    """

    key_hash: int
    score: float
    together: int


def companions(orders: Snapshot, key: bytes) -> Companions:
    """
    Return what is bought with the product of *key*, each at least once; the product
    need not be known.
    """
    own = np.uint64(to_term(key))
    terms, together, held = [np.zeros(0, np.uint64)], [NONE], [NONE]
    places, views = [NONE], [NONE]
    asked = 0
    for number, view in enumerate(orders.views):
        rows = _rows_of(view, own)
        asked += len(rows)
        counts = np.bincount(view.segment.terms_of(rows))
        here = np.flatnonzero(counts)
        terms.append(view.segment.dictionary[here])
        together.append(counts[here])
        held.append(view.df_at(here).astype(np.int64))
        places.append(here)
        views.append(np.full(len(here), number))
    unique, first, place = np.unique(
        np.concatenate(terms), return_index=True, return_inverse=True
    )
    total = np.zeros(len(unique), np.int64)
    np.add.at(total, place, np.concatenate(together))
    others = unique != own
    first = first[others]
    return Companions(
        terms=unique[others],
        places=np.concatenate(places)[first],
        views=np.concatenate(views)[first],
        together=total[others],
        orders=np.concatenate(held)[first],
        asked=asked,
        total=orders.visible,
    )


def likelihood_ratios(found: Companions) -> Doubles:
    """
    Return G² of each pair (Dunning 1993): how far the orders are from what they would
    be if neither product drew the other, (C,). Above 3.84 it is chance in one of
    twenty.
    """
    k11 = found.together.astype(np.float64)
    k12 = found.asked - k11
    k21 = found.orders - k11
    k22 = found.total - k11 - k12 - k21
    cells = _surprise(k11) + _surprise(k12) + _surprise(k21) + _surprise(k22)
    rows = _surprise(k11 + k12) + _surprise(k21 + k22)
    columns = _surprise(k11 + k21) + _surprise(k12 + k22)
    return 2.0 * (cells - rows - columns + _surprise(np.float64(found.total)))


def scores(found: Companions, least_support: int = LEAST_SUPPORT) -> Doubles:
    """
    Return how much more often each is bought with the product than it would be by
    chance, as a part of the orders that hold the product, (C,), from 0 to 1:
    (k11 - k1·k2/N) / (k1 + `SHRINKAGE`).

    It is 0 below the support, and where chance alone may have made the difference.
    """
    by_chance = found.orders * (found.asked / max(found.total, 1))
    more = (found.together - by_chance) / (found.asked + SHRINKAGE)
    is_sure = likelihood_ratios(found) >= LEAST_RATIO
    is_kept = is_sure & (found.together >= least_support)
    return np.where(is_kept, np.maximum(more, 0.0), 0.0)


def shares(found: Companions, least_support: int = LEAST_SUPPORT) -> Doubles:
    """
    Return the part of the orders that hold the product which hold each, (C,), from 0 to
    1: k11 / (k1 + `SHRINKAGE`), from which chance is not taken; 0 where `scores` is.
    """
    is_kept = scores(found, least_support) > 0
    return np.where(is_kept, found.together / (found.asked + SHRINKAGE), 0.0)


def strongest(
    orders: Snapshot, found: Companions, least_support: int = LEAST_SUPPORT
) -> Iterator[Companion]:
    """
    Yield what is bought with a product, highest score first; equals (at nine decimals)
    by how often, then in order of their terms.

    Args:
        found: All that is, in *orders*.
    """
    ranked = np.round(scores(found, least_support), DECIMALS)
    order = np.lexsort((found.terms, -found.together, -ranked))
    for one in order[: int(np.count_nonzero(ranked))]:
        named = name_of(orders, int(found.views[one]), int(found.places[one]))
        yield Companion(named, float(ranked[one]), int(found.together[one]))


def name_of(orders: Snapshot, view: int, place: int) -> int:
    """
    Return the hash of the key of the product at a place in the dictionary of a view.
    """
    return to_key_hash(orders.views[view].segment.words[place])


def _rows_of(view: View, term: np.uint64) -> NDArray[np.int32]:
    """
    Return the living rows that hold a term.
    """
    segment = view.segment
    place = int(kernels.find_first(segment.dictionary, term))
    if place == len(segment.dictionary) or segment.dictionary[place] != term:
        return np.zeros(0, np.int32)
    rows = segment.post_rows[
        segment.post_indptr[place] : segment.post_indptr[place + 1]
    ]
    return rows[~view.dead[rows]]


def _surprise(counts: Doubles | np.float64) -> Doubles:
    """
    Return x·ln x, 0 at 0.
    """
    return counts * np.log(np.where(counts > 0, counts, 1.0))
