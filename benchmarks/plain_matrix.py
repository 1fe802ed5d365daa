"""
The same model as one sparse matrix, queried as one would with scipy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from numpy.typing import NDArray
from scipy import sparse

from recommender.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Question:
    """
    Which products are asked for; None asks nothing.

    Attributes:
        category: Code of a category.
        brand: Code of a brand.
        prices: Least and most, for products in stock.
    """

    category: int | None = None
    brand: int | None = None
    prices: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class PlainMatrix:
    """
    N products over T terms.

    Attributes:
        keys: Row of each key.
        rows: Unit vectors, (N, T).
        columns: The same turned around, (T, N).
        visible: May be returned, (N,).
        in_stock: Can be bought, (N,).
        price: NaN when unknown, (N,).
        categories: Code of each one's category, (N,).
        brands: Code of each one's brand, (N,).
    """

    keys: dict[bytes, int]
    rows: sparse.csr_array
    columns: sparse.csr_array
    visible: NDArray[np.bool_]
    in_stock: NDArray[np.bool_]
    price: NDArray[np.float64]
    categories: NDArray[np.int64]
    brands: NDArray[np.int64]

    @classmethod
    def of(cls, snapshot: Snapshot) -> PlainMatrix:
        """
        Return the matrix of what *snapshot* holds.
        """
        living = list(snapshot.living())
        rows = _unit_rows(snapshot)
        return cls(
            keys={row.key: place for place, row in enumerate(living)},
            rows=rows,
            columns=sparse.csr_array(rows.T),
            visible=np.array([row.visible for row in living]),
            in_stock=np.array([row.in_stock for row in living]),
            price=np.array([row.price for row in living]),
            categories=_codes([row.category for row in living]),
            brands=_codes([row.brand.lower() for row in living]),
        )

    def similar(self, row: int, limit: int, question: Question) -> NDArray[np.float64]:
        """
        Return the scores of the products most like that of *row*, best first.
        """
        product = cast("Any", self.rows[[row]]) @ self.columns
        places, scores = product.indices, product.data
        kept = self._accepts(places, question) & (places != row)
        scores = scores[kept]
        if len(scores) > limit:
            scores = scores[np.argpartition(-scores, limit)[:limit]]
        return cast("NDArray[np.float64]", -np.sort(-scores))

    def _accepts(
        self, places: NDArray[np.int32], question: Question
    ) -> NDArray[np.bool_]:
        accepted = self.visible[places]
        if question.category is not None:
            accepted &= self.categories[places] == question.category
        if question.brand is not None:
            accepted &= self.brands[places] == question.brand
        if question.prices is not None:
            least, most = question.prices
            price = self.price[places]
            accepted &= self.in_stock[places] & (price >= least) & (price <= most)
        return accepted


def _unit_rows(snapshot: Snapshot) -> sparse.csr_array:
    terms, tfs, lengths = [], [], []
    for view in snapshot.views:
        segment = view.segment
        counts = np.diff(segment.indptr)
        alive = np.repeat(~view.dead, counts)
        idf = snapshot.big_l - np.log1p(view.df)
        terms.append(segment.dictionary[segment.terms[alive]])
        tfs.append((segment.tf * idf[segment.terms])[alive])
        lengths.append(counts[~view.dead])
    _, columns = np.unique(np.concatenate(terms), return_inverse=True)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    rows = sparse.csr_array(
        (np.concatenate(tfs), columns, indptr),
        shape=(len(indptr) - 1, int(columns.max()) + 1),
    )
    norms = np.sqrt(rows.power(2).sum(axis=1))
    rows.data /= np.repeat(norms, np.diff(indptr))
    return rows


def _codes(values: list[str]) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values])
