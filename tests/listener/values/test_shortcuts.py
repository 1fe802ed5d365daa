"""
Shortcuts: what they return is what the converter returns, without a note.
"""

import string

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bson import Int64
from hypothesis import given
from hypothesis import strategies as st

from listener.display import plain_extra, to_extra
from listener.fields import FieldMap, Problem
from listener.values.attributes import (
    MOST_ATTRIBUTES,
    plain_attributes,
    to_attributes,
)
from listener.values.categories import plain_category, to_category
from listener.values.images import plain_image, to_image
from listener.values.numbers import plain_amount, plain_stock, to_amount, to_stock
from listener.values.references import NO_NAMES
from listener.values.texts import (
    LONGEST_LABEL,
    LONGEST_NAME,
    LONGEST_TEXT,
    plain_label,
    plain_name,
    plain_tags,
    plain_text,
    to_label,
    to_name,
    to_tags,
    to_text,
)
from listener.values.times import plain_unix_s, to_unix_s
from tests.support.documents import any_value, make_document, make_settings


PAIRS = {
    "amount": (plain_amount, to_amount),
    "attributes": (plain_attributes, to_attributes),
    "category": (plain_category, to_category),
    "extra": (plain_extra, to_extra),
    "image": (plain_image, to_image),
    "label": (plain_label, to_label),
    "name": (plain_name, to_name),
    "stock": (plain_stock, to_stock),
    "tags": (plain_tags, to_tags),
    "text": (plain_text, to_text),
    "unix_s": (plain_unix_s, to_unix_s),
}
# what is asked for is an id, and also what ordinary documents say
NAMED = {
    "category": {"a": {"name": "Kettles"}, "b": {"name": "Home"}},
    "brand": {"a": {"name": "Acme"}},
}
NAMES = (
    "name", "description", "tags", "attributes", "category", "brand", "price", "stock",
    "created", "image", "rating",
)  # fmt: skip
PLACES = [
    *(name for name in NAMES if name != "created"),
    "createdAt", "title", "body", "specs", "categories", "vendor", "quantity", "images",
    "at",
]  # fmt: skip
ODD = "<>&\u203a\xbb \t\x00\xa0\u2028" + string.ascii_letters + "é雪"
TEXTS = st.one_of(
    st.text(ODD, max_size=12),
    st.sampled_from(["x" * n for n in (LONGEST_LABEL, LONGEST_NAME, LONGEST_TEXT)]),
    st.sampled_from(["y" * n for n in (LONGEST_LABEL + 1, LONGEST_NAME + 1, 20_001)]),
    st.sampled_from(["0123456789abcdef01234567", "https://a/b.png", "http:// ", "/a"]),
)
LIKELY = st.one_of(
    TEXTS,
    st.lists(TEXTS, max_size=10),
    st.lists(st.sampled_from(["a", "b", "c > d"]), max_size=120),
    st.dictionaries(st.sampled_from([*"abcd", "name", "values"]), TEXTS, max_size=4),
    st.dictionaries(
        st.sampled_from("abcd"), st.sampled_from(["x", "y" * 60, "z" * 61])
    ),
    st.just({str(n): "x" for n in range(MOST_ATTRIBUTES)}),
    st.just({str(n): "x" for n in range(MOST_ATTRIBUTES + 1)}),
    st.integers(-10, 10),
    st.floats(),
    st.booleans(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14))])),
    st.sampled_from([Int64(5), 10**15, 1e15, 1e300, -0.0, datetime(2024, 1, 5)]),  # noqa: DTZ001
)


@pytest.mark.parametrize("name", sorted(PAIRS))
@given(value=st.one_of(LIKELY, any_value()))
def test_shortcut_says_the_same(name, value):
    """
    Of any value a shortcut says nothing, or what the converter says without a note.
    """
    shortcut, convert = PAIRS[name]
    found = shortcut(value)
    if found is not None:
        notes: list[str] = []
        converted = convert(value, notes)
        assert (found, type(found), notes) == (converted, type(converted), [])


@pytest.mark.parametrize("first", [(), ("at.first",)], ids=["plain", "dotted"])
@pytest.mark.parametrize("names", [NO_NAMES, NAMED], ids=["no names", "names"])
@given(st.dictionaries(st.sampled_from(PLACES), LIKELY | any_value()))
def test_fields_together_say_what_each_says(first, names, document):
    """
    A document is read as its fields are, one after the other, problems and all, and
    with the names of what it refers to.
    """
    settings = make_settings()
    moved = {f"{n}_fields": (*first, *getattr(settings, f"{n}_fields")) for n in NAMES}
    fields = FieldMap(make_settings(**moved))
    problems: list[Problem] = []
    expected: list[Problem] = []
    each = [
        getattr(fields, name).read(document, expected, names.get(name))
        for name in NAMES
    ]

    assert list(fields.read(document, problems, names)) == each
    assert problems == expected


def test_ordinary_document_needs_no_converter(monkeypatch):
    """
    The common shop's documents take the short way throughout.
    """
    fields = FieldMap(make_settings())

    def fail(*_):
        raise AssertionError

    monkeypatch.setattr("listener.fields.first_usable", fail)
    document = make_document(category=["Kitchen", "Kettles"])

    assert fields.read(document, [], NO_NAMES)[0] == "Steel Kettle"
