"""
What a page shows of a product.
"""

import math
import uuid

import orjson
import pytest

from bson import (
    Binary,
    DatetimeMS,
    Decimal128,
    Int64,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from hypothesis import given
from hypothesis import strategies as st

from listener.display import LARGEST_EXTRA, LONGEST_SUMMARY, MOST_NODES
from tests.support.documents import (
    NOON,
    OBJECT_ID,
    any_value,
    make_document,
    make_mapped,
)


def display_of(document, *display_fields):
    mapped = make_mapped(document, display_fields=display_fields)
    return orjson.loads(mapped.product.display)


def extra_of(value):
    return display_of({"extra": value}, "extra").get("extra")


def test_an_ordinary_product():
    """
    A page gets what it needs of a product without another call.
    """
    assert display_of(make_document()) == {
        "name": "Steel Kettle",
        "description": "Boils water fast.",
        "category": ["Kitchen", "Kettles"],
        "brand": "Brimm",
        "price": 39.5,
        "in_stock": True,
        "stock": 7,
        "rating": 4.5,
        "image": "/images/kettle.jpg",
        "created_at": "2024-01-05T12:00:00Z",
    }


def test_what_is_unknown_is_absent():
    """
    An empty document has an empty object, never null.
    """
    assert display_of({}) == {}
    assert display_of({"stock": "in stock"}) == {"in_stock": True}
    assert display_of({"stock": 0}) == {"in_stock": False, "stock": 0}


@pytest.mark.parametrize(
    ("stock", "shown"),
    [
        (7.0, b"7"),
        (2.5, b"2.5"),
        ("-3", b"-3"),
        (2.0**53, b"9007199254740992"),
        (2.0**64, b"1.8446744073709552e+19"),
        ("1e300", b"1e+300"),
    ],
    ids=str,
)
def test_stock_is_shown_as_it_is_counted(stock, shown):
    """
    Whole numbers have no point, unless they are beyond what anybody counts.
    """
    display = make_mapped({"stock": stock}).product.display

    assert display.endswith(b'"stock":%b}' % shown)


def test_a_long_description_is_cut_at_a_word():
    """
    At most 300 characters and an ellipsis are shown; the model reads it all.
    """
    mapped = make_mapped({"description": "kettle " * 100})
    shown = orjson.loads(mapped.product.display)["description"]

    assert shown.endswith("kettle…")
    assert len(shown) <= LONGEST_SUMMARY + 1
    assert len(mapped.product.texts["description"]) == 699


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("as\nit is <b>", "as\nit is <b>"),
        (5, 5),
        (Int64(5), 5),
        (1.5, 1.5),
        (True, True),
        (OBJECT_ID, str(OBJECT_ID)),
        (NOON, "2024-01-05T12:00:00Z"),
        (NOON.replace(tzinfo=None), "2024-01-05T12:00:00Z"),
        (DatetimeMS(0), "1970-01-01T00:00:00Z"),
        (Timestamp(0, 1), "1970-01-01T00:00:00Z"),
        (Decimal128("12.5"), 12.5),
        (Decimal128("12.50"), "12.50"),
        (Decimal128("0.1000000000000000055511151231257827"),
         "0.1000000000000000055511151231257827"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (b"abc", "YWJj"),
        (Binary(b"abc", 5), "YWJj"),
        ("half\ud800", "half\ufffd"),
        ({"half\ud800": 1}, {"half\ufffd": 1}),
        ({"a": [{"b": OBJECT_ID}]}, {"a": [{"b": str(OBJECT_ID)}]}),
        ([None, math.nan, Decimal128("NaN"), DatetimeMS(1 << 60), MinKey(), Regex("a")],
         [None] * 6),
    ],
    ids=lambda value: ascii(value)[:40],
)  # fmt: skip
def test_further_fields_are_shown_as_they_are(value, shown):
    """
    What BSON has beyond JSON is written plainly; what has no plain form is null.
    """
    assert extra_of(value) == shown


def test_further_fields_may_lie_deep():
    """
    A dotted path is shown under its own name.
    """
    document = {"seller": {"name": "Ada"}, "variants": [{"size": "S"}, {"size": "M"}]}

    assert display_of(document, "seller.name", "variants.size", "lacking") == {
        "seller.name": "Ada",
        "variants.size": ["S", "M"],
    }


def test_further_fields_do_not_replace_what_is_checked():
    """
    A field with a name that answers already have cannot bring back what was refused.
    """
    document = {"name": "Kettle", "image": "javascript:alert(1)"}

    assert display_of(document, "name", "image") == {"name": "Kettle"}


@pytest.mark.parametrize(
    "value",
    ["x" * LARGEST_EXTRA, [0] * MOST_NODES, {str(at): at for at in range(MOST_NODES)}],
    ids=["text", "list", "object"],
)
def test_large_further_fields_are_left_out(value):
    """
    What is too large for an answer is a problem.
    """
    mapped = make_mapped({"name": "Kettle", "extra": value}, display_fields=("extra",))

    assert orjson.loads(mapped.product.display) == {"name": "Kettle"}
    assert [str(problem) for problem in mapped.problems] == ["extra: too large"]


@given(
    st.fixed_dictionaries(
        {name: any_value() for name in ("name", "description", "image", "extra")}
    )
)
def test_display_is_always_json(document):
    """
    Whatever the document, the display is a JSON object in UTF-8.
    """
    assert isinstance(display_of(document, "extra", "extra.name"), dict)


def test_object_ids_are_hex_anywhere():
    """
    Also as part of a list.
    """
    ids = [ObjectId("65a000000000000000000002"), ObjectId("65a000000000000000000002")]

    assert extra_of(ids) == [str(id_) for id_ in ids]
