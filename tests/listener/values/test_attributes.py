import pytest

from bson import ObjectId
from hypothesis import given

from listener.values.attributes import (
    LONGEST_VALUE,
    MOST_ATTRIBUTES,
    to_attributes,
)
from listener.values.usable import Unusable
from tests.support.documents import any_value


ICECAT = {
    "type": "Original",
    "printing_colours": "Black",
    "quantity_per_pack": 6.0,
    "acid_free": True,
    "compatible_products": "Stylus Pro 4800, " * 9,
}
WOOCOMMERCE = [
    {"id": 3, "name": "Color", "visible": True, "options": ["Black", "Sea blue"]},
    {"id": 0, "name": "Size", "variation": True, "option": "XL"},
]
SHOPIFY = [{"id": 1, "name": "Size", "position": 1, "values": ["S", "M"]}]
MEDUSA = [{"id": "opt_1", "title": "Size", "values": [{"id": "v", "value": "10x15"}]}]
SALEOR = [
    {
        "attribute": {"name": "Material", "slug": "material"},
        "values": [{"name": "Oak wood", "slug": "oak-wood"}],
    }
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ICECAT, "Original, Black"),
        (WOOCOMMERCE, "Black, Sea blue, XL"),
        (SHOPIFY, "S, M"),
        (MEDUSA, "10x15"),
        (SALEOR, "Oak wood"),
        ([{"key": "Power", "value": "1500 W"}], "1500 W"),
        ([{"k": "Material", "v": "Steel"}], "Material, Steel"),
        ({"Sound": {"Drivers": "40 mm", "Modes": ["ANC", "open"]}}, "40 mm, ANC, open"),
        ({"colour": "<b>Black</b> &amp; gold"}, "Black & gold"),
        ({"series": {"name": "Nordic", "year": "2024"}}, "Nordic, 2024"),
        (["wool", "cotton"], "wool, cotton"),
        ("Colour: red; size: L", "Colour: red; size: L"),
        ({"a": "65a000000000000000000002", "b": ObjectId()}, None),
        ({"a": {"b": {"c": {"d": {"e": "too deep"}}}}}, None),
        ({"width": 12.5, "new": True, "old": None, "blank": " "}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
    ids=range(18),
)
def test_attributes(value, text):
    """
    Values count, whatever shape a shop gives them, without what they are called, where
    that can be told.
    """
    notes = []

    assert to_attributes(value, notes) == text
    assert notes == []


def test_a_value_that_is_a_text_is_left_out():
    """
    Beyond the limit it is a list of other goods, more often than not.
    """
    longest = "x" * LONGEST_VALUE

    assert to_attributes({"a": longest, "b": longest + "x"}, []) == longest


def test_too_many_are_cut():
    """
    Beyond the limit values are left out, and that is noted.
    """
    notes = []
    text = to_attributes({str(n): "x" for n in range(MOST_ATTRIBUTES + 1)}, notes)

    assert text is not None
    assert text.count("x") == MOST_ATTRIBUTES
    assert notes == ["cut"]


@pytest.mark.parametrize("value", [5, True, ObjectId()], ids=["number", "flag", "id"])
def test_what_holds_no_values_is_refused(value):
    """
    A number, a flag and a reference are no attributes.
    """
    with pytest.raises(Unusable):
        to_attributes(value, [])


@given(any_value())
def test_nothing_fails_but_as_unusable(value):
    """
    Any value is a text, nothing, or unusable.
    """
    try:
        text = to_attributes(value, [])
    except Unusable:
        return
    assert text is None or text.strip()
