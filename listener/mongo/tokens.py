"""
Resume tokens, and the database's times in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bson import json_util
from bson.timestamp import Timestamp

from listener.errors import PositionLost
from recommender.position import ClusterTime


Token = Mapping[str, Any]

_WRITTEN: Final = "written"  # beside what the server put into the token
_TIME_TAG = "82"  # a token begins with a timestamp in the server's sortable encoding
_TIME_END = 18  # hex digits: the tag, four bytes of seconds, four of the counter


class Place(NamedTuple):
    """
    Where a stream is, and in which history.

    Attributes:
        token: Leads on from there.
        written: When the last write was of which the stream has told, if it has of any.
    """

    token: Token
    written: ClusterTime | None


def to_checkpoint(place: Place) -> str:
    """
    Return a place as the text that a manifest keeps.
    """
    written = {} if place.written is None else {_WRITTEN: to_timestamp(place.written)}
    return json_util.dumps({**place.token, **written})


def to_place(checkpoint: str) -> Place:
    """
    Return the place of a checkpoint.

    Raises:
        PositionLost: It is none.
    """
    try:
        token = json_util.loads(checkpoint)
        token_time(token)
        written = token.pop(_WRITTEN, None)
        return Place(token, None if written is None else to_cluster_time(written))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = "bad_token"
        raise PositionLost(reason) from error


def token_time(token: Token) -> ClusterTime:
    """
    Return the time that a token stands for.

    Raises:
        ValueError: The token does not begin with a time.
        KeyError: It is no token.
    """
    data = token["_data"]
    if not isinstance(data, str) or len(data) < _TIME_END or data[:2] != _TIME_TAG:
        msg = f"not a resume token: {data!r:.80}"
        raise ValueError(msg)
    return ClusterTime(int(data[2:10], 16), int(data[10:_TIME_END], 16))


def to_cluster_time(timestamp: Timestamp) -> ClusterTime:
    """
    Return a BSON timestamp as the core knows it.
    """
    return ClusterTime(timestamp.time, timestamp.inc)


def to_timestamp(time: ClusterTime) -> Timestamp:
    """
    Return a time as BSON knows it.
    """
    return Timestamp(time.seconds, time.increment)


def just_before(time: ClusterTime) -> ClusterTime:
    """
    Return the time before which all is known when not all of *time* is.
    """
    return ClusterTime(time.seconds, max(time.increment - 1, 0))
