"""
What is asked of a snapshot, as a vector over terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender.kernels import Doubles, Hashes


# How much what is not wanted counts beside what is; a Rocchio query with weights 1
# and 1/2 lies as far beyond the wanted as that lies from the middle of the two.
NEGATIVE: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """
    A product, or words, over T terms in order of their hashes.

    Attributes:
        hashes: Of the terms, (T,).
        values: tf·idf, above 0, (T,).
        idf: Of the terms, (T,).
    """

    hashes: Hashes
    values: Doubles
    idf: Doubles

    def normalised(self) -> Doubles:
        """
        Return the values, divided by their length.
        """
        return self.values / np.sqrt(self.values @ self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """
    A vector as scores need it, over T terms in order of their hashes.

    Attributes:
        hashes: Of the terms, (T,).
        weights: tf·idf², so that weight·tf(d,t) is the term's part of a score before
            both lengths divide it, (T,).
        square: Σ (tf·idf)², the vector's squared length.
    """

    hashes: Hashes
    weights: Doubles
    square: float

    @classmethod
    def of(cls, vector: Vector) -> Query:
        """
        Return the query for what is like *vector*.
        """
        values = vector.values
        square = float(np.add.reduce(values * values))
        return cls(vector.hashes, values * vector.idf, square)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """
    A vector, and how much it counts.
    """

    vector: Vector
    weight: float = 1.0


def blend(wanted: Sequence[Part], unwanted: Sequence[Part] = ()) -> Vector:
    """
    Return max(0, mean of *wanted* - `NEGATIVE` · mean of *unwanted*), over vectors of
    length 1, terms of value 0 left out (Rocchio, in Manning, Raghavan and Schütze
    2008, 9.1.1, negative weights likewise ignored).

    Without anything wanted, or when all of it is unwanted, it has no terms.
    """
    parts = [*_shares(wanted, 1.0), *_shares(unwanted, -NEGATIVE)]
    if not parts:
        return EMPTY
    hashes = np.concatenate([vector.hashes for vector, _ in parts])
    values = np.concatenate([vector.normalised() * share for vector, share in parts])
    idf = np.concatenate([vector.idf for vector, _ in parts])
    unique, first, place = np.unique(hashes, return_index=True, return_inverse=True)
    total = np.zeros(len(unique), np.float64)
    np.add.at(total, place, values)
    kept = total > LEAST
    return Vector(unique[kept], total[kept], idf[first][kept])


def _shares(parts: Sequence[Part], whole: float) -> list[tuple[Vector, float]]:
    there = [part for part in parts if len(part.vector.hashes)]
    total = sum(part.weight for part in there)
    return [(part.vector, whole * part.weight / total) for part in there]


LEAST: Final = 1e-12  # of a term's value: less is what rounding leaves of nothing
EMPTY: Final = Vector(
    np.zeros(0, np.uint64), np.zeros(0, np.float64), np.zeros(0, np.float64)
)
