"""
Change events, parsed: a notice that a product is dirty, or the end of the stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from listener.errors import PositionLost
from listener.mongo.tokens import to_cluster_time
from recommender.position import ClusterTime


# What an event must say, and no more: no document travels, so none is too large. This
# is part of every position: a token is good only under the pipeline that gave it.
PIPELINE: Final = [
    {
        "$project": {
            "operationType": 1,
            "ns": 1,
            "documentKey": 1,
            "clusterTime": 1,
            "wallTime": 1,
        }
    },
]

# The field that an update has touched begins with the first step of its path.
_TOUCHED: Final = {
    "$map": {
        "input": {
            "$concatArrays": [
                {
                    "$map": {
                        "input": {
                            "$objectToArray": {
                                "$ifNull": ["$updateDescription.updatedFields", {}]
                            }
                        },
                        "in": "$$this.k",
                    }
                },
                {"$ifNull": ["$updateDescription.removedFields", []]},
                {"$ifNull": ["$updateDescription.truncatedArrays.field", []]},
            ]
        },
        "in": {"$arrayElemAt": [{"$split": ["$$this", "."]}, 0]},
    }
}

# How most products are written; whatever else does so counts as `OTHER`.
KINDS: Final = frozenset({"insert", "update", "replace", "delete"})
OTHER: Final = "other"

# Kinds after which the collection is not what it was.
ENDS: Final = {
    "drop": "collection_dropped",
    "rename": "collection_renamed",
    "dropDatabase": "database_dropped",
    "invalidate": "stream_invalidated",
}


@dataclass(frozen=True, slots=True)
class Dirty:
    """
    Something was written to a product.

    Attributes:
        kind: One of `KINDS`, or `OTHER`.
        id: Its `_id`, as the driver gives it.
        time: When, on the database's logical clock.
        written_s: When, in Unix time by the database's clock; None if it did not say.
    """

    kind: str
    id: object
    time: ClusterTime
    written_s: float | None


@dataclass(frozen=True, slots=True)
class Ended:
    """
    The stream says nothing more of this collection.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Irrelevant:
    """
    Something happened that no product shows, such as a new index.
    """

    kind: str


Notice = Dirty | Ended | Irrelevant


def pipeline_of(roots: Sequence[str] | None) -> Sequence[Mapping[str, Any]]:
    """
    Return the pipeline of a stream.

    Args:
        roots: Updates of other fields say nothing, such as of a counter; None: all do.
    """
    if roots is None:
        return PIPELINE
    is_touched = {"$setIntersection": [_TOUCHED, {"$literal": [*roots]}]}
    is_other = {"$ne": ["$operationType", "update"]}
    says = {"$or": [is_other, {"$ne": [is_touched, []]}]}
    return [{"$match": {"$expr": says}}, *PIPELINE]


def to_notice(event: Mapping[str, Any]) -> Notice:
    """
    Return what a change event means here.

    A kind that is not known, but names a document, makes it dirty.

    Raises:
        PositionLost: It names a document in a way that makes no sense, so that nobody
            knows which one is dirty.
    """
    kind = str(event.get("operationType"))
    if kind in ENDS:
        return Ended(ENDS[kind])
    if "documentKey" not in event:
        return Irrelevant(kind)
    wall = event.get("wallTime")
    try:
        return Dirty(
            kind=kind if kind in KINDS else OTHER,
            id=event["documentKey"]["_id"],
            time=to_cluster_time(event["clusterTime"]),
            written_s=wall.timestamp() if isinstance(wall, datetime) else None,
        )
    except (AttributeError, LookupError, TypeError) as error:
        reason = "reader_failed"
        raise PositionLost(reason, f"an event makes no sense: {error!r}") from error
