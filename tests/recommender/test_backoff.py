"""
How long to wait before trying again.
"""

from __future__ import annotations

import pytest

from recommender.backoff import FIRST_S, LONGEST_REFUSED_S, LONGEST_S, delay_s


@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
def test_grows_to_the_longest(luck: float) -> None:
    """
    Each failure in a row waits longer than the one before, up to the longest.
    """
    delays = [delay_s(attempt, luck) for attempt in range(1, 10)]

    assert delays == sorted(delays)
    assert delays[0] <= FIRST_S
    assert LONGEST_S / 2 <= delays[-1] <= LONGEST_S


def test_luck_spreads_over_the_upper_half() -> None:
    """
    Those that failed together come back between half the delay and all of it.
    """
    assert delay_s(3, 0.0) == pytest.approx(2 * FIRST_S)
    assert delay_s(3, 1.0) == pytest.approx(4 * FIRST_S)


def test_after_days_of_failures() -> None:
    """
    Any number of failures has a delay.
    """
    assert delay_s(10_000_000, 1.0) == LONGEST_S
    assert delay_s(10_000_000, 1.0, LONGEST_REFUSED_S) == LONGEST_REFUSED_S
