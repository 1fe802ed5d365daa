"""
What the model of orders knows of one order, and the row that it is.

An order is a row like any product's, whose terms are products. So the orders have an
index, segments, generations and snapshots with all that these promise, and what was
bought together is asked of the rows that live: nothing is kept up beside them.
"""

from __future__ import annotations

import math

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from recommender.product import Product
from recommender.segment import key_hash
from recommender.text import encode, term_hash
from recommender.weights import Weights


ORDER_VERSION: Final = 2  # part of the fingerprint: a change rebuilds the model
FIELD: Final = "products"
ORDER_WEIGHTS: Final = Weights({FIELD: 1.0}, sublinear=False)


@dataclass(frozen=True, slots=True)
class Order:
    """
    An order, past the edge: who placed it was never read.

    Attributes:
        key: Canonical bytes of its id.
        products: Keys of the products in it, however many of each.
        counts: Whether it is one to learn from, and not cancelled.
        created_s: Unix time at which it was placed, NaN when unknown.
    """

    key: bytes
    products: frozenset[bytes]
    counts: bool = True
    created_s: float = math.nan


def to_row(order: Order) -> Product:
    """
    Return the order as a row; one that does not count, or is empty, has no terms and is
    not visible, so that a snapshot's `visible` is the number of those that do.
    """
    keys = sorted(order.products) if order.counts else []
    return Product(
        key=order.key,
        texts={FIELD: " ".join(map(_to_word, keys))},
        visible=bool(keys),
        created_s=order.created_s,
    )


def products_of(row: Product) -> Iterator[int]:
    """
    Yield the hash of the key of each product in an order's row.
    """
    return (int(word, 16) for word in row.texts[FIELD].split())


def to_term(key: bytes) -> int:
    """
    Return the term of a product in the model of orders, 64 bits.
    """
    return term_hash(encode(_to_word(key)))


def to_key_hash(word: bytes) -> int:
    """
    Return the hash of the key of a product, which is all that its word says.
    """
    return int(word, 16)


def _to_word(key: bytes) -> str:
    return f"{key_hash(key):016x}"
