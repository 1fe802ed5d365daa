"""
What is asked, answered plainly from the oracle and the products themselves.
"""

from __future__ import annotations

import math

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from numpy.typing import NDArray

from recommender.filters import Filters
from recommender.oracle import Oracle
from recommender.product import Product
from recommender.ranking import POOL, Choice
from recommender.relations import Rules
from recommender.weights import Weights


DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Plain:
    """
    Products, and the model of them trained from scratch.
    """

    products: Mapping[bytes, Product]
    oracle: Oracle

    @classmethod
    def of(cls, products: Iterable[Product], weights: Weights) -> Plain:
        """
        Return the model of *products*.
        """
        known = {product.key: product for product in products}
        return cls(known, Oracle.train(known.values(), weights))

    def vector(self, key: bytes) -> NDArray[np.float64]:
        """
        Return the normalised vector of a product.
        """
        row = self.oracle.vectors[[self.oracle.keys.index(key)]]
        return np.asarray(row.toarray()[0])

    def scores(self, vector: NDArray[np.float64]) -> dict[bytes, float]:
        """
        Return the cosine of *vector* with each product, at nine decimals.
        """
        length = float(np.linalg.norm(vector)) or 1.0
        scores = self.oracle.vectors @ (vector / length)
        return {
            key: round(float(score), DECIMALS)
            for key, score in zip(self.oracle.keys, scores, strict=True)
        }

    def choose(
        self,
        vector: NDArray[np.float64],
        is_wanted: Callable[[Product], bool],
        choice: Choice,
    ) -> list[bytes]:
        """
        Return the keys of what is to be taken, in order.
        """
        scores = self.scores(vector)
        floor = max(round(choice.least, DECIMALS), 10**-DECIMALS)
        ranked = sorted(
            (
                key
                for key, product in self.products.items()
                if scores[key] >= floor and product.visible and is_wanted(product)
            ),
            key=lambda key: (-scores[key], key),
        )
        if choice.one_per:
            ranked = self._one_per(ranked, choice.one_per)
        if choice.diversity:
            ranked = self._diverse(ranked[:POOL], scores, choice.diversity)
        return ranked[choice.offset : choice.offset + choice.limit]

    def _one_per(self, keys: Sequence[bytes], field: str) -> list[bytes]:
        kept, seen = [], []
        for key in keys:
            value = orjson.loads(self.products[key].display).get(field)
            if value is None or value not in seen:
                kept.append(key)
                seen.append(value)
        return kept

    def _diverse(
        self, keys: Sequence[bytes], scores: Mapping[bytes, float], diversity: float
    ) -> list[bytes]:
        alike = {key: self.scores(self.vector(key)) for key in keys}
        taken: list[bytes] = []
        while len(taken) < len(keys):

            def worth(key: bytes) -> float:
                near = max((alike[key][one] for one in taken), default=0.0)
                value = (1 - diversity) * scores[key] - diversity * near
                return round(value, DECIMALS)

            taken.append(max((k for k in keys if k not in taken), key=worth))
        return taken


def passes(product: Product, filters: Filters) -> bool:
    """
    Say whether *product* is what *filters* ask for, but for the rules.
    """
    path = [name.casefold() for name in product.category]
    prefixes = {" > ".join(path[: depth + 1]) for depth in range(len(path))}
    names = prefixes | set(path)
    brand = product.brand.casefold()
    return all(
        (
            not filters.categories or names & folded(filters.categories),
            not names & folded(filters.not_categories),
            not filters.brands or brand in folded(filters.brands),
            brand not in folded(filters.not_brands),
            filters.min_price is None or product.price >= filters.min_price,
            filters.max_price is None or product.price <= filters.max_price,
            filters.in_stock in {None, product.in_stock},
            product.key not in filters.exclude,
        )
    )


def obeys(product: Product, rules: Rules, seen: Sequence[Product]) -> bool:
    """
    Say whether *product* stands to those *seen* as *rules* ask.
    """
    prices = [one.price for one in seen if not math.isnan(one.price)]
    brands = folded(one.brand for one in seen if one.brand)
    paths = [folded_path(one) for one in seen if one.category]
    is_within = any(folded_path(product)[: len(path)] == path for path in paths)
    near = rules.price_within or 0.0
    return all(
        (
            rules.price_within is None
            or any(p * (1 - near) <= product.price <= p * (1 + near) for p in prices),
            rules.cheaper is not True or any(product.price < p for p in prices),
            rules.cheaper is not False
            or (prices and all(product.price >= p for p in prices)),
            rules.same_brand in {None, product.brand.casefold() in brands},
            rules.same_category in {None, is_within},
        )
    )


def folded(names: Iterable[str]) -> set[str]:
    """
    Return *names* in one case.
    """
    return {name.casefold() for name in names}


def folded_path(product: Product) -> list[str]:
    """
    Return the category path in one case.
    """
    return [name.casefold() for name in product.category]
