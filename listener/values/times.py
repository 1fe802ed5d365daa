"""
Times, however a document writes them.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, datetime
from typing import Final

from bson import DatetimeMS, Timestamp
from bson.tz_util import utc

from listener.values.numbers import to_number
from listener.values.usable import Unusable, first_usable


LONGEST_TIME: Final = 64  # characters; the fault of a longer one would quote it all
FIRST_MS: Final = 1e11  # the year 5138 in seconds, the year 1973 in milliseconds

# With the zone that decoded dates have, so that a difference asks neither for its own.
EPOCH: Final = datetime(1970, 1, 1, tzinfo=utc)

YEAR_1_S: Final = -62_135_596_800.0
YEAR_10000_S: Final = 253_402_300_800.0


def to_unix_s(value: object, notes: list[str]) -> float | None:
    """
    Return a time as Unix time: a date, an ISO string (UTC unless it says otherwise),
    or seconds or milliseconds since 1970, whichever is likelier.

    Raises:
        Unusable: It is no time, or none of the years from 1 to 9999.
    """
    if isinstance(value, list):
        return first_usable(value, to_unix_s, notes)
    unix_s = _to_any_s(value, notes)
    if unix_s is not None and not YEAR_1_S <= unix_s < YEAR_10000_S:
        raise Unusable(reason="not a time: beyond any calendar")
    return unix_s


def plain_unix_s(value: object) -> float | None:
    """
    The shortcut of `to_unix_s`.
    """
    if type(value) is datetime and value.tzinfo and 1 < value.year < MAXYEAR:
        return (value - EPOCH).total_seconds()
    return None


def to_datetime(unix_s: float) -> datetime | None:
    """
    Return a time as a calendar knows it, to the millisecond; None when none does.
    """
    try:
        return datetime.fromtimestamp(round(unix_s, 3), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _to_any_s(value: object, notes: list[str]) -> float | None:
    match value:
        case datetime():
            return _to_aware(value).timestamp()
        case DatetimeMS():
            return int(value) / 1000
        case Timestamp():
            return float(value.time)
        case str() if _is_calendar(value):
            return _to_aware(_parse(value)).timestamp()
    return _to_s(to_number(value, notes))


def _to_s(number: float | None) -> float | None:
    if number is None or abs(number) < FIRST_MS:
        return number
    return number / 1000


def _is_calendar(text: str) -> bool:
    """
    Return whether *text* is not a count of seconds or milliseconds, and not blank.
    """
    text = text.strip()
    is_count = text.isascii() and text.isdigit() and len(text) > len("20240131")
    return bool(text) and not is_count


def _parse(text: str) -> datetime:
    text = text.strip()
    try:
        if len(text) <= LONGEST_TIME:
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise Unusable(reason="not a time: string")


def _to_aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
