"""
Moments of the database, as callers write them.
"""

from __future__ import annotations

import math
import re

from datetime import datetime
from typing import Final

from recommender.position import ClusterTime


LARGEST: Final = 2**32 - 1  # of seconds and increments, in a BSON timestamp
_OPERATION_TIME: Final = re.compile(r"([0-9]{1,10})[.:]([0-9]{1,10})")
_SPACE: Final = re.compile(r" (?=[0-9]{2}:?[0-9]{2}$)")  # what a bare + is in a URL


def to_moment(value: object) -> ClusterTime:
    """
    Return the time by which everything up to *value* is in: itself, if it is an
    operationTime as "seconds.increment" or "seconds:increment"; for an ISO 8601 time
    with its zone, the beginning of the second after.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, str):
        if match := _OPERATION_TIME.fullmatch(value):
            moment = ClusterTime(int(match[1]), int(match[2]))
        else:
            moment = ClusterTime(_to_unix_s(value) + 1, 0)
        if 0 <= moment.seconds <= LARGEST and moment.increment <= LARGEST:
            return moment
    msg = "must be seconds.increment, or an ISO 8601 time with its zone"
    raise ValueError(msg)


def _to_unix_s(text: str) -> int:
    """
    Return the second of a time, -2 when there is none.
    """
    try:
        time = datetime.fromisoformat(_SPACE.sub("+", text))
        return math.floor(time.timestamp()) if time.tzinfo else -2
    except (ValueError, OverflowError):
        return -2
