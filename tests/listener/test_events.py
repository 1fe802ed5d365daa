"""
What change events mean.
"""

from __future__ import annotations

from typing import Any

import pytest

from bson import ObjectId, decode, encode
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey
from bson.regex import Regex
from bson.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from listener.errors import PositionLost
from listener.keys import to_key
from listener.mongo.client import CODEC
from listener.mongo.events import (
    ENDS,
    KINDS,
    OTHER,
    Dirty,
    Ended,
    Irrelevant,
    to_notice,
)
from recommender.position import ClusterTime


KEY = {"documentKey": {"_id": "a"}, "clusterTime": Timestamp(7, 1)}


@pytest.mark.parametrize(
    ("kind", "counted"),
    [*((kind, kind) for kind in sorted(KINDS)), ("frobnicate", OTHER)],
)
def test_unknown_kinds(kind: str, counted: str) -> None:
    """
    An event that names a document makes it dirty, of whatever kind it is, and whatever
    else it says.
    """
    event: dict[str, Any] = {"operationType": kind, **KEY, "later": {"x": 1}}

    assert to_notice(event) == Dirty(counted, "a", ClusterTime(7, 1), None)


@pytest.mark.parametrize("event", [{"operationType": "createIndexes"}, {}])
def test_what_names_no_document_is_irrelevant(event: dict[str, Any]) -> None:
    """
    One that names none stops nothing.
    """
    assert isinstance(to_notice(event), Irrelevant)


@pytest.mark.parametrize("kind", ENDS)
def test_ends(kind: str) -> None:
    """
    Some kinds end the collection.
    """
    assert to_notice({"operationType": kind}) == Ended(ENDS[kind])


BSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.binary(),
        st.builds(Binary, st.binary(max_size=9), st.integers(5, 255)),
        st.builds(ObjectId, st.binary(min_size=12, max_size=12)),
        st.builds(DatetimeMS, st.integers(-(2**63), 2**63 - 1)),
        st.builds(Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
        st.sampled_from([Decimal128("NaN"), Decimal128("-0"), MaxKey(), Regex("(")]),
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = ["operationType", "ns", "documentKey", "clusterTime", "wallTime"]


def travelled(event: dict[str, Any]) -> dict[str, Any]:
    """
    Return an event as the driver would give it.
    """
    return dict(decode(encode(event), CODEC))


@given(st.dictionaries(st.sampled_from(FIELDS), BSON))
def test_any_event_is_a_notice_or_a_lost_position(event: dict[str, Any]) -> None:
    """
    Whatever an event says: it means something, or the model is trained from scratch.
    """
    try:
        notice = to_notice(travelled(event))
    except PositionLost as lost:
        assert lost.reason == "reader_failed"  # noqa: PT017 one of two outcomes
    else:
        assert isinstance(notice, Dirty | Ended | Irrelevant)


@given(BSON.filter(lambda value: not isinstance(value, list)), BSON)
def test_any_id_is_dirty(product_id: Any, wall: Any) -> None:
    """
    Any value that may be an id is one, and has a key; an odd date is no date.
    """
    event = {
        "operationType": "update",
        "documentKey": {"_id": product_id},
        "clusterTime": Timestamp(7, 1),
        "wallTime": wall,
    }

    notice = to_notice(travelled(event))

    assert isinstance(notice, Dirty)
    assert to_key(notice.id)
