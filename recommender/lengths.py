"""
How long rows are, roughly: how far off it may be is known, and kept small.

Queries leave most rows alone by it, without working out what is exact. A term that few
rows hold moves much when one more holds it, and few lengths with it: these are worked
out again. A term of many rows moves little each time, and its rows wait until that has
come to something, so that a change costs some hundred rows for each of its terms,
however many hold it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from recommender import kernels
from recommender.kernels import Doubles, Floats, Longs
from recommender.segment import Segment
from recommender.successive import Successive
from recommender.weights import LEAST_IDF


OFF: Final = 0.01  # of lengths; from here on all are worked out again
TERM_OFF: Final = 0.01  # of an idf, which is a third of that of a length at most
MOST_ROWS: Final = 0.25  # of a segment; to look for more of them takes longer than all


class Moves(NamedTuple):
    """
    Terms of a segment, rising, and g(t) = -ln(1+df(t)) of each.

    Attributes:
        places: In the dictionary.
        least: The least that it has been, of what is told of.
        most: The most.
    """

    places: Longs
    least: Doubles
    most: Doubles

    @classmethod
    def between(cls, places: Longs, one: Doubles, other: Doubles) -> Moves:
        """
        Return moves from *one* to the *other*.
        """
        return cls(places, np.minimum(one, other), np.maximum(one, other))

    @property
    def by(self) -> Doubles:
        """
        How far each has moved.
        """
        return self.most - self.least

    def only(self, wanted: kernels.Bools) -> Moves:
        """
        Return those *wanted*.
        """
        return Moves(self.places[wanted], self.least[wanted], self.most[wanted])

    def united(self, later: Moves) -> Moves:
        """
        Return these and *later* ones, each term once.
        """
        at = np.searchsorted(self.places, later.places)
        known = np.zeros(len(at), np.bool_)
        inside = at < len(self.places)
        known[inside] = self.places[at[inside]] == later.places[inside]
        least, most = self.least.copy(), self.most.copy()
        old = at[known]
        least[old] = np.minimum(least[old], later.least[known])
        most[old] = np.maximum(most[old], later.most[known])
        new = later.only(~known)
        places = np.concatenate([self.places, new.places])
        order = np.argsort(places, kind="stable")  # two runs, so one pass
        return Moves(
            places[order],
            np.concatenate([least, new.least])[order],
            np.concatenate([most, new.most])[order],
        )


NO_TERMS: Final = np.zeros(0, np.int64)
NO_MOVES: Final = Moves(NO_TERMS, np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """
    ‖d‖ of R rows in single precision, at an L and idf of now or before.

    Attributes:
        big_l: The L.
        waiting: Terms that have moved since, by no more than `TERM_OFF` each. While N
            stands still they become more, up to all that many rows hold; a change costs
            a copy of them, 24 bytes each.
        off: How far the farthest of them has moved.
    """

    big_l: float
    waiting: Moves
    _kept: Successive[np.float32]
    off: float = 0.0

    @classmethod
    def of(cls, segment: Segment, g: Doubles, big_l: float) -> Lengths:
        """
        Work them out from g(t) of each term.
        """
        values = np.empty(len(segment), np.float32)
        squares = np.zeros(len(segment), np.float64)
        kernels.fill_lengths(*segment.postings, g, big_l, squares, values)
        return cls(big_l, NO_MOVES, Successive.of(values))

    @property
    def values(self) -> Floats:
        """
        Of each row, (R,).
        """
        return self._kept.values

    def moved(
        self, segment: Segment, g: Doubles, moves: Moves, big_l: float
    ) -> Lengths:
        """
        Return what holds at another L, and *g*, to which the *moves* have led.
        """
        kept, due = self._waiting_for(moves) if len(moves.places) else (self, NO_TERMS)
        count = _count_rows(segment, due)
        is_off = 1.0 - kept.shrunk(big_l) > OFF
        if is_off or count > MOST_ROWS * len(segment):
            return Lengths.of(segment, g, big_l)
        if not count:
            return kept
        rows = np.empty(count, np.int32)
        kernels.gather_postings(segment.post_indptr, segment.post_rows, due, rows)
        rows = np.unique(rows)
        values = np.empty(len(rows), np.float32)
        # at the L of all others, so that one L holds for all
        kernels.fill_lengths_of(*segment.forward, g, self.big_l, rows, values)
        return replace(kept, _kept=self._kept.replaced(rows, values))

    def _waiting_for(self, moves: Moves) -> tuple[Lengths, Longs]:
        """
        Return these after *moves*, and the terms that have moved too far to wait.
        """
        united = self.waiting.united(moves)
        by = united.by
        far = by > TERM_OFF
        off = float(by[~far].max(initial=0.0))
        return replace(self, waiting=united.only(~far), off=off), united.places[far]

    def shrunk(self, big_l: float) -> float:
        """
        Return what is left at least of each of them at another L.

        No idf is below `LEAST_IDF`. So when L moves by δ, and no g by more than ε, each
        idf moves by at most (|δ| + ε) / `LEAST_IDF` of what it becomes, and so does
        each length.
        """
        by = abs(big_l - self.big_l) + self.off
        return 1.0 / (1.0 + by / LEAST_IDF)


def _count_rows(segment: Segment, terms: Longs) -> int:
    """
    Return how many rows hold the *terms*, a row once for each of them.
    """
    return int((segment.post_indptr[terms + 1] - segment.post_indptr[terms]).sum())
