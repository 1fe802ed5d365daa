"""
The path of a product's category.
"""

import pytest

from bson import DBRef, ObjectId
from hypothesis import given

from listener.values.categories import DEEPEST_PATH, to_category
from listener.values.texts import LONGEST_LABEL
from listener.values.usable import Unusable
from tests.support.documents import any_value


HEX = "65a000000000000000000001"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("Lamps", ("Lamps",)),
        ("Home > Lamps", ("Home", "Lamps")),
        ("Home &gt; Lamps &amp; Bulbs", ("Home", "Lamps & Bulbs")),
        ("Home » Lamps", ("Home", "Lamps")),
        ("  Home   Office  > > Lamps ", ("Home Office", "Lamps")),
        ("Home > Home", ("Home",)),
        (5, ("5",)),
        (["Home", "Lamps"], ("Home", "Lamps")),
        (["Home", "", None, "Lamps"], ("Home", "Lamps")),
        (["Home > Lamps", "Gifts > New"], ("Home", "Lamps")),
        (["Home", "Home > Lamps"], ("Home", "Lamps")),
        ([["Home", "Lamps"], ["Gifts"]], ("Home", "Lamps")),
        (
            {
                "_id": ObjectId("65a000000000000000000002"),
                "name": "Lamps",
                "slug": "lamps",
            },
            ("Lamps",),
        ),
        ({"title": "Lamps"}, ("Lamps",)),
        ({"slug": "lamps"}, ("lamps",)),
        ([{"id": 9, "name": "Home"}, {"id": 12, "name": "Lamps"}], ("Home", "Lamps")),
        ({"name": "Lamps", "parent": {"name": "Home"}}, ("Home", "Lamps")),
        ({"name": "Lamps", "parentCategory": "Home"}, ("Home", "Lamps")),
        (
            {"name": "C", "parent": {"name": "B", "parent": {"name": "A"}}},
            ("A", "B", "C"),
        ),
        ({"name": "Lamps", "parent": ObjectId("65a000000000000000000002")}, ("Lamps",)),
        ({"name": "Lamps", "parent": HEX}, ("Lamps",)),
        ({"name": "Lamps", "parent": None}, ("Lamps",)),
        ("", None),
        (" > ", None),
        ([], None),
        ([""], None),
        (None, None),
    ],
    ids=str,
)
def test_paths(value, path):
    """
    Strings, lists and objects are paths from the root; of several the first counts.
    """
    notes = []

    assert to_category(value, notes) == path
    assert notes == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (ObjectId("65a000000000000000000002"), "reference"),
        (HEX, "reference"),
        (
            [
                ObjectId("65a000000000000000000002"),
                ObjectId("65a000000000000000000002"),
            ],
            "reference",
        ),
        (DBRef("categories", ObjectId("65a000000000000000000002")), "reference"),
        (True, "not text: bool"),
        ({"main": "Home", "sub": "Lamps"}, "not text: object"),
        ({"name": {"en": "Lamps"}}, "not text: object"),
    ],
    ids=str,
)
def test_what_is_no_category(value, reason):
    """
    The id of a category elsewhere, or an object without a name, says nothing.
    """
    with pytest.raises(Unusable, match=reason):
        to_category(value, [])


def test_a_reference_among_names_is_noted():
    """
    What can be used is used.
    """
    notes = []

    assert to_category([ObjectId("65a000000000000000000002"), "Lamps"], notes) == (
        "Lamps",
    )
    assert notes == ["reference"]


@pytest.mark.parametrize(
    "value",
    [
        " > ".join("abcdefghijkl"),
        list("abcdefghijkl"),
        [{"name": name} for name in "abcdefghijkl"],
    ],
    ids=["string", "list", "objects"],
)
def test_deep_paths_are_cut(value):
    """
    Beyond the limit steps are left out, and that is noted.
    """
    notes = []

    assert to_category(value, notes) == tuple("abcdefgh"[:DEEPEST_PATH])
    assert notes == ["cut"]


def test_endless_parents_end():
    """
    A chain of parents is followed only so far.
    """
    category = {"name": "0"}
    for depth in range(1, 50):
        category = {"name": str(depth), "parent": category}

    assert to_category(category, []) == tuple(map(str, range(42, 50)))


@given(any_value())
def test_nothing_fails_but_as_unusable(value):
    """
    Any value is a bounded path of names, or unusable.
    """
    try:
        path = to_category(value, [])
    except Unusable:
        return
    assert path is None or 0 < len(path) <= DEEPEST_PATH
    assert all(0 < len(step) <= LONGEST_LABEL for step in path or ())
