"""
Which of the products that pass are taken, beyond the best by score.
"""

from __future__ import annotations

import itertools

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import numpy as np
import orjson

from recommender import kernels
from recommender.filters import Filters
from recommender.kernels import Doubles, read_only
from recommender.query import Query
from recommender.snapshot import Hit, Snapshot


POOL: Final = 200  # that diversity chooses among: every choice is compared with all
DEEPEST: Final = 10_000  # hits looked through for one of each
FIRST: Final = 64  # hits to begin with, where it is not known how many are needed
GROWTH: Final = 8
DECIMALS: Final = 9  # as far as scores are compared

S = TypeVar("S", bound="Shown")


@dataclass(frozen=True, slots=True)
class Choice:
    """
    What is taken of the products that pass.

    Attributes:
        limit: How many at most.
        offset: How many are passed over.
        least: Of the score.
        diversity: From 0, the best, to 1, the least alike.
        one_per: A field of what a page shows: of products with the same value only
            the best counts. Empty: not asked.
    """

    limit: int
    offset: int = 0
    least: float = 0.0
    diversity: float = 0.0
    one_per: str = ""


def choose(
    snapshot: Snapshot, query: Query, filters: Filters, choice: Choice
) -> list[Hit]:
    """
    Return the visible products most like *query*, best first; with diversity in the
    order in which they were taken.

    `Filters.exclude` must name the products asked with, too.
    """
    if not len(query.hashes):
        return []
    end = choice.offset + choice.limit
    unwanted = filters.exclude
    if not choice.one_per and not choice.diversity:
        hits = snapshot.best(query, end + len(unwanted), filters, choice.least)
        wanted = [hit for hit in hits if hit.key not in unwanted]
        return wanted[choice.offset : end]

    def best(count: int) -> list[Hit]:
        return snapshot.best(query, count, filters, choice.least)

    found: Iterable[Hit] = deepening(best, unwanted)
    if choice.one_per:
        found = one_per(found, choice.one_per)
    if choice.diversity:
        pool = list(itertools.islice(found, POOL))
        found = _diverse(snapshot, pool, choice.diversity, end)
    return list(itertools.islice(found, choice.offset, end))


class Shown(Protocol):
    """
    A product that a page can show.
    """

    @property
    def key(self) -> bytes:
        """
        Its key.
        """

    @property
    def display(self) -> bytes:
        """
        A JSON object.
        """


def deepening(first: Callable[[int], Sequence[S]], unwanted: Set[bytes]) -> Iterator[S]:
    """
    Yield what *first* finds, but for the *unwanted*, asking for more as more is taken,
    `DEEPEST` at most.

    Args:
        first: Returns the first of a list, as many as it is told; fewer when that is
            all.
    """
    done, count = 0, FIRST + len(unwanted)
    while True:
        found = first(count)
        yield from (one for one in found[done:] if one.key not in unwanted)
        done = len(found)
        if done < count or count >= DEEPEST:
            return
        count = min(DEEPEST, count * GROWTH)


def one_per(found: Iterable[S], field: str) -> Iterator[S]:
    """
    Yield the first of *found* for each value of *field*, and all without one.
    """
    seen = set()
    for one in found:
        value = orjson.loads(one.display).get(field)
        if value is not None:
            canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
            if canonical in seen:
                continue
            seen.add(canonical)
        yield one


def _diverse(
    snapshot: Snapshot, pool: Sequence[Hit], diversity: float, limit: int
) -> Iterator[Hit]:
    """
    Yield hits by maximal marginal relevance: always the one with the greatest
    (1 - diversity)·score - diversity·max similarity to those yielded before, each of
    both at nine decimals; the better one of equals (Carbonell and Goldstein 1998).
    """
    rows = _Rows(snapshot, pool)
    scores = (1 - diversity) * np.array([hit.score for hit in pool])
    nearest = np.zeros(len(pool))
    left = np.ones(len(pool), np.bool_)
    for _ in range(min(limit, len(pool))):
        worth = np.round(scores - diversity * nearest, DECIMALS)
        best = int(np.argmax(np.where(left, worth, -np.inf)))
        left[best] = False
        yield pool[best]
        np.maximum(nearest, rows.similarities(best), out=nearest)


class _Rows:
    """
    The normalised vectors of some products.
    """

    def __init__(self, snapshot: Snapshot, hits: Sequence[Hit]) -> None:
        vectors = [snapshot.vector(hit.row) for hit in hits]
        lengths = [len(vector.hashes) for vector in vectors]
        self._indptr = read_only(np.cumsum([0, *lengths], dtype=np.int64))
        empty = np.zeros(0)
        self._values = read_only(
            np.concatenate([empty, *(vector.normalised() for vector in vectors)])
        )
        self._hashes = read_only(
            np.concatenate(
                [empty.astype(np.uint64), *(vector.hashes for vector in vectors)]
            )
        )

    def similarities(self, row: int) -> Doubles:
        """
        Return the cosine of one with each, at nine decimals.
        """
        out = np.empty(len(self._indptr) - 1, np.float64)
        kernels.dot_with_rows(self._indptr, self._hashes, self._values, row, out)
        return np.round(out, DECIMALS)
