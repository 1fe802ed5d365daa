"""
Dotted paths, and the types of what is there.
"""

import pytest

from bson import Code, DBRef, Int64, ObjectId
from hypothesis import given

from listener.values.kinds import to_kind
from listener.values.paths import Path
from tests.support.documents import NOON, any_value


DOCUMENT = {
    "name": "Kettle",
    "empty": None,
    "seller": {"name": "Ada", "shop": {"city": "Ulm"}},
    "variants": [{"price": 5, "sizes": ["S"]}, "odd", {"price": 7, "sizes": ["M"]}],
    "images": [{"src": "a.jpg"}],
    "grid": [[1, 2], [3]],
    "dotted.name": "never",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "Kettle"),
        ("empty", None),
        ("lacking", None),
        ("seller.name", "Ada"),
        ("seller.shop.city", "Ulm"),
        ("seller.lacking.city", None),
        ("name.first", None),
        ("variants.price", [5, 7]),
        ("variants.sizes", [["S"], ["M"]]),
        ("variants.lacking", None),
        ("variants.2.price", 7),
        ("variants.9.price", None),
        ("variants.1.price", None),
        ("images.src", "a.jpg"),
        ("images.0.src", "a.jpg"),
        ("grid.0", [1, 2]),
        ("grid.0.1", 2),
        ("dotted.name", None),
    ],
)
def test_paths(path, value):
    """
    A path leads through objects, and through arrays to all of their objects.
    """
    assert Path.parse(path).find(DOCUMENT) == value
    assert Path.parse(path).finder(DOCUMENT) == value


def test_a_path_begins_at_a_field_of_the_document():
    """
    The root is what must be read for it.
    """
    assert Path.parse("seller.shop.city").root == "seller"


@given(any_value())
def test_any_value_can_be_walked(value):
    """
    Whatever is on the way, a path leads somewhere or nowhere.
    """
    for path in ("a.0.name", "a.name.parent", "a.0"):
        leaves = Path.parse(path).leaves({"a": value})

        assert isinstance(leaves, list)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "bool"),
        (5, "int"),
        (1 << 40, "long"),
        (Int64(5), "long"),
        (5.0, "double"),
        ("a", "string"),
        (Code("a"), "javascript"),
        (Code("a", {}), "javascriptWithScope"),
        ({}, "object"),
        (DBRef("a", 5), "object"),
        ([], "array"),
        (b"a", "binData"),
        (ObjectId("65a000000000000000000002"), "objectId"),
        (NOON, "date"),
        (range(3), "unknown"),
    ],
    ids=str,
)
def test_kinds(value, kind):
    """
    Types have the names that `$type` gives them.
    """
    assert to_kind(value) == kind
