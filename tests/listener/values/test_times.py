"""
Times, however a document writes them.
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bson import DatetimeMS, Decimal128, Timestamp
from bson.tz_util import utc
from hypothesis import given
from hypothesis import strategies as st

from listener.values.times import plain_unix_s, to_datetime, to_unix_s
from listener.values.usable import Unusable
from tests.support.documents import NOON, any_value


NOON_S = 1_704_456_000.0
ZONES = st.sampled_from([utc, UTC, timezone(timedelta(hours=-9, minutes=-30))])


@pytest.mark.parametrize(
    ("value", "unix_s"),
    [
        (NOON, NOON_S),
        (NOON.replace(tzinfo=None), NOON_S),
        (DatetimeMS(int(NOON_S * 1000)), NOON_S),
        (Timestamp(int(NOON_S), 1), NOON_S),
        ("2024-01-05T12:00:00Z", NOON_S),
        ("2024-01-05T12:00:00.250Z", NOON_S + 0.25),
        ("2024-01-05T14:00:00+02:00", NOON_S),
        ("2024-01-05 12:00:00", NOON_S),
        (" 2024-01-05 ", NOON_S - 12 * 3600),
        ("20240105", NOON_S - 12 * 3600),
        (NOON_S, NOON_S),
        (int(NOON_S * 1000), NOON_S),
        (NOON_S * 1000, NOON_S),
        (str(int(NOON_S * 1000)), NOON_S),
        (Decimal128(str(int(NOON_S))), NOON_S),
        ([None, NOON], NOON_S),
        ("", None),
        (None, None),
        ([], None),
    ],
    ids=str,
)
def test_times(value, unix_s):
    """
    Dates, ISO strings and counts of seconds or milliseconds are the same moment.
    """
    assert to_unix_s(value, []) == unix_s


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("yesterday", "not a time: string"),
        ("2024-13-01", "not a time: string"),
        (True, "not a number: bool"),
        (float("nan"), "not finite"),
        (DatetimeMS(1 << 60), "beyond any calendar"),
        (DatetimeMS(-(1 << 60)), "beyond any calendar"),
        (1e300, "beyond any calendar"),
        ({"at": 5}, "not a number: object"),
    ],
    ids=str,
)
def test_what_is_no_time(value, reason):
    """
    What no calendar knows is refused.
    """
    with pytest.raises(Unusable, match=reason):
        to_unix_s(value, [])


def test_back_to_the_calendar():
    """
    A Unix time is a date in UTC to the millisecond, if there is one.
    """
    assert to_datetime(NOON_S) == NOON
    assert to_datetime(0.0625) == datetime(1970, 1, 1, 0, 0, 0, 62_000, UTC)
    assert to_datetime(1e300) is None


@given(any_value())
def test_nothing_fails_but_as_unusable(value):
    """
    Any value is a time that the calendar knows, or unusable.
    """
    try:
        unix_s = to_unix_s(value, [])
    except Unusable:
        return
    assert unix_s is None or 1 <= to_datetime(unix_s).year <= 9999


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES))  # noqa: DTZ001
def test_difference_is_the_timestamp(time):
    """
    To the last bit, a date of any zone, to the microsecond, is its Unix time.
    """
    assert plain_unix_s(time) == time.timestamp()
