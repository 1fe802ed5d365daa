import pytest

from recommender.facets import brand_codes, category_codes
from tests.support.products import make_product, make_segment


@pytest.fixture(name="segment")
def _segment():
    return make_segment(
        [
            make_product("1", category=("Home", "Light"), brand="Brimm & Co"),
            make_product("2", category=("Car", "Light"), brand="BRIMM & CO"),
            make_product("3", category=("Home",), brand="Straße"),
            make_product("4"),
        ]
    )


def paths(segment, name):
    """
    Return the category paths that *name* stands for.
    """
    codes = category_codes(segment).of(name)
    return sorted(segment.category_values[code].decode() for code in codes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Light", ["Car > Light", "Home > Light"]),
        ("light", ["Car > Light", "Home > Light"]),
        ("Home", ["Home"]),
        ("home > light", ["Home > Light"]),
        ("home>light", ["Home > Light"]),
        ("  Home  >  Light  ", ["Home > Light"]),
        ("Light > Home", []),
        ("Li", []),
        ("", []),
    ],
)
def test_categories(segment, name, expected):
    """
    A name means every path that ends in it, a path itself alone.
    """
    assert paths(segment, name) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("home > LIGHT", ["Home > Light"]), ("Light", []), ("home", ["Home"])],
)
def test_whole_path(segment, path, expected):
    """
    A whole path means itself, and no path that ends in it.
    """
    codes = category_codes(segment).of_whole(path)

    assert [segment.category_values[code].decode() for code in codes] == expected


@pytest.mark.parametrize(
    ("name", "count"),
    [("brimm & co", 2), ("STRASSE", 1), ("straße ", 1), ("Brimm", 0), ("", 0)],
)
def test_brands(segment, name, count):
    """
    A brand means all of its spellings that differ by case.
    """
    assert len(brand_codes(segment).of(name)) == count


def test_codes_are_worked_out_once(segment):
    """
    A segment's codes are remembered.
    """
    assert category_codes(segment) is category_codes(segment)
    assert brand_codes(segment) is brand_codes(segment)


def test_size_is_that_of_the_values(segment):
    """
    A table for the codes has room for all of them.
    """
    assert category_codes(segment).size == len(segment.category_values)
    assert brand_codes(segment).size == len(segment.brand_values) == 3
