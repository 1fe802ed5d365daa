"""
What refers to other documents, and what stands in for it.
"""

from __future__ import annotations

import math

from typing import Any
from uuid import UUID

import pytest

from bson import Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from listener.mapping import Mapper
from listener.values.paths import Path
from listener.values.references import (
    LONGEST_ID,
    MOST_REFERENCES,
    find_named,
    is_id,
    to_references,
)
from listener.values.usable import MOST_VALUES
from tests.support.documents import any_value, make_settings


OTHERS = {ObjectId(): {"name": "Of another product"}}


@pytest.mark.parametrize(
    "document",
    [
        {"brand": [None] * MOST_REFERENCES + ["Brimm"]},
        {"category": ["Home"] * (MOST_VALUES + 1)},
    ],
    ids=["behind the most", "too large"],
)
def test_what_others_refer_to_changes_no_product(document: dict[str, Any]) -> None:
    """
    Products are read many at once, with the names of what any of them refers to: the
    same document is the same product, whatever is read beside it.
    """
    mapper = Mapper(make_settings())

    alone = mapper.to_product({"_id": 1, **document})
    beside = mapper.to_product(
        {"_id": 1, **document}, {"brand": OTHERS, "category": OTHERS}
    )

    assert beside == alone


@given(value=any_value())
def test_what_refers_to_nothing_is_found_as_ever(value: Any) -> None:
    """
    Where no document stands in for a value, the value itself is found.
    """
    for text in ("a", "a.b", "a.0", "a.0.b"):
        path = Path.parse(text)
        assert repr(find_named({"a": value}, path, OTHERS)) == repr(
            path.find({"a": value})
        )


@given(ids=st.lists(st.integers(0, 9), max_size=5))
def test_documents_stand_in_for_what_refers_to_them(ids: list[int]) -> None:
    """
    Those that are not known stay what they are.
    """
    named = {n: {"name": str(n)} for n in range(5)}
    path = Path.parse("a")

    assert [*to_references({"a": ids}, path)] == ids
    assert find_named({"a": ids}, path, named) == [named.get(n, n) for n in ids]


@pytest.mark.parametrize(
    "value",
    [ObjectId("65a000000000000000000001"), "a", 7, Int64(7), 5e9, -0.0, UUID(int=1)],
    ids=str,
)
def test_ids(value: Any) -> None:
    """
    What documents are named by.
    """
    assert is_id(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0.5,
        math.nan,
        math.inf,
        Decimal128("7"),
        [7],
        {"a": 7},
        b"a",
        "a" * (LONGEST_ID + 1),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_id(value: Any) -> None:
    """
    What may be one, but is so rarely that it is more often something else.
    """
    assert not is_id(value)


def test_numbers_that_mongodb_calls_equal_are_one_id() -> None:
    """
    The collections may have them as integers or as doubles.
    """
    named = {5_000_000_000: {"name": "Lamps"}}

    assert find_named({"a": 5e9}, Path.parse("a"), named) == {"name": "Lamps"}
