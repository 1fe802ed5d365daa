"""
The truth: the model trained from scratch, by scikit-learn, in float64.

Slow and plain on purpose; it shares with the served model nothing but the term
weights of a single product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
    TfidfTransformer,
)

from recommender.product import Product
from recommender.weights import Weights, term_weights


@dataclass(frozen=True, slots=True)
class Oracle:
    """
    N products in order of their keys, over T terms.

    Attributes:
        products: All of them.
        terms: Column of each term.
        tf: tf(d, t), float64, (N, T).
        vectors: l2-normalised tf·idf rows, (N, T).
    """

    products: tuple[Product, ...]
    terms: dict[str, int]
    tf: sparse.csr_array
    vectors: sparse.csr_array

    @classmethod
    def train(cls, products: Iterable[Product], weights: Weights) -> Oracle:
        """
        Return the model of *products*, trained from scratch.
        """
        ordered = tuple(sorted(products, key=lambda product: product.key))
        terms: dict[str, int] = {}
        indptr, columns, values = [0], [], []
        for product in ordered:
            for term, tf in term_weights(product, weights).items():
                columns.append(terms.setdefault(term, len(terms)))
                values.append(tf)
            indptr.append(len(columns))
        matrix = sparse.csr_array(
            (np.array(values, np.float64), np.array(columns, np.int64), indptr),
            shape=(len(ordered), len(terms)),
        )
        return cls(ordered, terms, matrix, _tfidf(matrix))

    def scores(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """
        Return the cosine of each of *rows* with every product, (len(rows), N).
        """
        chosen = self.vectors[list(rows)]
        return cast("NDArray[np.float64]", (chosen @ self.vectors.T).toarray())


def _tfidf(matrix: sparse.csr_array) -> sparse.csr_array:
    if not all(matrix.shape):
        return matrix
    transformer = TfidfTransformer(norm="l2", smooth_idf=True, sublinear_tf=False)
    return sparse.csr_array(cast("Any", transformer.fit_transform(matrix)))
