"""
What change events mean.
"""

from __future__ import annotations

from typing import Any

import pytest

from bson.timestamp import Timestamp

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
