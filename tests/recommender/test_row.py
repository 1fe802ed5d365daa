"""
What a row says, and in what it differs from what it should say.
"""

from __future__ import annotations

import dataclasses

from typing import Any

import numpy as np
import pytest

from recommender.product import Product
from recommender.row import UNREADABLE, Said, read_row, unlike_parts
from recommender.segment import Part, Segment, build_segment, merge_segments
from tests.support.damage import damaged
from tests.support.products import WEIGHTS, make_catalogue, make_product


KETTLE = make_product(
    "1",
    "red kettle",
    category=("Home", "Kitchen"),
    brand="Aldo",
    price=5.0,
    created_s=7.0,
)


def segment_of(*products: Product) -> Segment:
    return build_segment(products, WEIGHTS)


def said(product: Product) -> Said:
    return read_row(segment_of(product), 0)


def test_a_row_says_the_same_wherever_it_is() -> None:
    """
    Alone, among others and after a merge, a product's row says the same.
    """
    products = sorted(make_catalogue(40), key=lambda product: product.key)
    halves = segment_of(*products[::2]), segment_of(*products[1::2])
    parts = [Part(half, np.zeros(len(half), np.bool_)) for half in halves]
    merged = merge_segments(parts, keep_tombstones=False)

    for row, product in enumerate(products):
        assert not unlike_parts(merged, row, said(product))


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"texts": {"name": "blue kettle"}}, {"terms"}),
        ({"texts": {"name": "red red kettle"}}, {"weights", "norm"}),
        ({"price": 6.0}, {"price"}),
        ({"price": float("nan")}, {"price"}),
        ({"created_s": 8.0}, {"created"}),
        ({"in_stock": False}, {"in_stock"}),
        ({"visible": False}, {"visible"}),
        ({"display": b'{"name":"Kettle"}'}, {"display"}),
        ({"brand": "ALDO"}, {"brand"}),
        ({"category": ("Home", "kitchen")}, {"category"}),
    ],
    ids=lambda value: "-".join(sorted(value)),
)
def test_what_differs_is_named(change: dict[str, Any], parts: set[str]) -> None:
    """
    A product that says something else differs in that part.
    """
    other = segment_of(KETTLE._replace(**change))

    assert set(unlike_parts(other, 0, said(KETTLE))) == parts


@pytest.mark.parametrize(
    ("column", "part"),
    [
        ("tf", "weights"),
        ("squares", "norm"),
        ("visible", "visible"),
        ("in_stock", "in_stock"),
        ("price", "price"),
        ("created_s", "created"),
        ("displays", "display"),
    ],
)
def test_a_damaged_column_is_found(column: str, part: str) -> None:
    """
    A value that was changed alone, while the hash of the content says nothing, is
    found; the rows beside it are as they were.
    """
    lamp = make_product("2", "lamp", price=5.0, created_s=7.0)
    segment = damaged(segment_of(KETTLE, lamp), 0, column)

    assert unlike_parts(segment, 0, said(KETTLE)) == (part,)
    assert not unlike_parts(segment, 1, said(lamp))


def test_a_row_that_cannot_be_read_differs() -> None:
    """
    Places that do not exist are a difference, not an error.
    """
    segment = segment_of(KETTLE)
    wild = dataclasses.replace(segment, terms=segment.terms + 1_000)

    assert unlike_parts(wild, 0, said(KETTLE)) == UNREADABLE
