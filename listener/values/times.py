"""
Times, however a document writes them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bson import DatetimeMS, Timestamp

from listener.values.numbers import to_number
from listener.values.usable import Unusable, first_usable


FIRST_MS: Final = 1e11  # the year 5138 in seconds, the year 1973 in milliseconds


def to_unix_s(value: object, notes: list[str]) -> float | None:
    """
    Return a time as Unix time: a date, an ISO string (UTC unless it says otherwise),
    or seconds or milliseconds since 1970, whichever is likelier.

    Raises:
        Unusable: It is no time.
    """
    match value:
        case datetime():
            return _to_aware(value).timestamp()
        case DatetimeMS():
            return int(value) / 1000
        case Timestamp():
            return float(value.time)
        case list():
            return first_usable(value, to_unix_s, notes)
        case str() if _is_calendar(value):
            return _to_aware(_parse(value)).timestamp()
    return _to_s(to_number(value, notes))


def to_datetime(unix_s: float | None) -> datetime | None:
    """
    Return a time as a calendar knows it, to the millisecond; None when none does.
    """
    if unix_s is None:
        return None
    try:
        return datetime.fromtimestamp(round(unix_s, 3), UTC)
    except (ValueError, OverflowError, OSError):
        return None


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
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unusable(reason="not a time: string") from None


def _to_aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
