import hypothesis.strategies as st
import pytest

from hypothesis import given

from server import pace as paces
from server.pace import Pace


def test_a_minute_at_once_then_evenly():
    """
    All of a minute may be used at once; then one comes back after the other.
    """
    pace = Pace(6)

    first = [pace.take("a", 0.0) for _ in range(7)]
    soon = pace.take("a", 9.9)
    then = pace.take("a", 10.0)

    assert [left.remaining for left in first] == [5, 4, 3, 2, 1, 0, 0]
    assert [left.is_allowed for left in first] == [True] * 6 + [False]
    assert first[0].full_in_s == pytest.approx(10)
    assert first[6].retry_in_s == pytest.approx(10)
    assert soon.retry_in_s == pytest.approx(0.1)
    assert (then.is_allowed, then.remaining, then.retry_in_s) == (True, 0, 0.0)


def test_callers_do_not_disturb_each_other():
    """
    Who has used up its own leaves others theirs.
    """
    pace = Pace(1)

    assert pace.take("a", 0.0).is_allowed
    assert not pace.take("a", 1.0).is_allowed
    assert pace.take("b", 1.0).is_allowed


def test_only_so_many_callers_are_remembered(monkeypatch):
    """
    The longest silent is forgotten first.
    """
    monkeypatch.setattr(paces, "MOST_CALLERS", 2)
    pace = Pace(1)
    for caller in "abc":
        pace.take(caller, 0.0)

    assert not pace.take("c", 1.0).is_allowed
    assert pace.take("a", 1.0).is_allowed


@given(
    st.integers(1, 30),
    st.lists(st.floats(0, 20), min_size=1, max_size=80),
)
def test_never_more_than_a_bucket_gives(per_minute, pauses):
    """
    It is a bucket that holds a minute's worth and fills evenly, whatever the rhythm.
    """
    pace, level, now_s = Pace(per_minute), float(per_minute), 0.0
    for pause in pauses:
        now_s += pause
        level = min(per_minute, level + pause * per_minute / 60)

        left = pace.take("a", now_s)

        if abs(level - 1) > 1e-4:  # else rounding decides
            assert left.is_allowed is (level >= 1)
        level -= left.is_allowed
        assert left.remaining == pytest.approx(level, abs=1.001)
        assert left.full_in_s == pytest.approx((per_minute - level) / per_minute * 60)
