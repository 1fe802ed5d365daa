"""
The truth: the model trained from scratch, by scikit-learn, in float64.

Slow and plain on purpose; it shares with the served model nothing but the term
weights of a single product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
    TfidfTransformer,
)

from recommender.product import Product
from recommender.weights import LEAST_IDF, Weights, term_weights


USUAL_LEAST_IDF: Final = 1.0  # scikit-learn's


@dataclass(frozen=True, slots=True)
class Oracle:
    """
    N products in order of their keys, over T terms.

    Attributes:
        keys: Of all products.
        terms: Column of each term.
        tf: tf(d, t), float64, (N, T).
        idf: By column, (T,).
        vectors: l2-normalised tf·idf rows, (N, T).
        columns: The same the other way round, (T, N): turning it for each few scores
            would take longer than the scores.
    """

    keys: tuple[bytes, ...]
    terms: dict[str, int]
    tf: sparse.csr_array
    idf: NDArray[np.float64]
    vectors: sparse.csr_array
    columns: sparse.csr_array

    @classmethod
    def train(cls, products: Iterable[Product], weights: Weights) -> Oracle:
        """
        Return the model of *products*, trained from scratch.
        """
        return cls.of_rows({p.key: term_weights(p, weights) for p in products})

    @classmethod
    def of_rows(cls, rows: Mapping[bytes, Mapping[str, float]]) -> Oracle:
        """
        Return the model of products by key, known by their tf(d, t) alone.
        """
        keys = tuple(sorted(rows))
        terms: dict[str, int] = {}
        indptr, columns, values = [0], [], []
        for key in keys:
            for term, tf in rows[key].items():
                columns.append(terms.setdefault(term, len(terms)))
                values.append(tf)
            indptr.append(len(columns))
        matrix = sparse.csr_array(
            (np.array(values, np.float64), np.array(columns, np.int64), indptr),
            shape=(len(keys), len(terms)),
        )
        idf, vectors = _tfidf(matrix)
        return cls(keys, terms, matrix, idf, vectors, sparse.csr_array(vectors.T))

    @property
    def squares(self) -> NDArray[np.float64]:
        """
        ‖d‖² = Σ_t (tf(d,t)·idf(t))², before normalising, (N,).
        """
        return cast("NDArray[np.float64]", self.tf.power(2) @ self.idf**2)

    def scores(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """
        Return the cosine of each of *rows* with every product, (len(rows), N).
        """
        chosen = self.vectors[list(rows)]
        return cast("NDArray[np.float64]", (chosen @ self.columns).toarray())


def _tfidf(
    matrix: sparse.csr_array,
) -> tuple[NDArray[np.float64], sparse.csr_array]:
    if not all(matrix.shape):
        return np.zeros(matrix.shape[1]), matrix
    transformer = TfidfTransformer(norm="l2", smooth_idf=True, sublinear_tf=False)
    transformer.fit(matrix)
    transformer.idf_ += LEAST_IDF - USUAL_LEAST_IDF
    vectors = sparse.csr_array(cast("Any", transformer.transform(matrix)))
    return cast("NDArray[np.float64]", transformer.idf_), vectors
