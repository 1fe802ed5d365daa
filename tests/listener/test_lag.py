"""
Whether the model is without what the database is known to have.
"""

from __future__ import annotations

import pytest

from listener.lag import LATE_S, Lag
from tests.support.listener import at


@pytest.fixture(name="lag")
def _lag() -> Lag:
    lag = Lag()
    lag.note(at(5), at(5), 0.0)
    return lag


def test_nothing_awaited_is_never_late(lag: Lag) -> None:
    """
    A database that is silent for hours has nothing that the model lacks.
    """
    lag.note(at(5), at(5), 10_000.0)

    assert not lag.is_late(at(5), 20_000.0)


def test_late_from_when_it_was_known(lag: Lag) -> None:
    """
    What comes after hours of silence is not late at once, but after its time.
    """
    lag.note(at(5), at(9), 1_000.0)

    assert not lag.is_late(at(5), 1_000.0)
    assert not lag.is_late(at(8), 1_000.0 + LATE_S - 1)
    assert lag.is_late(at(8), 1_000.0 + LATE_S)


def test_more_to_come_does_not_put_it_off(lag: Lag) -> None:
    """
    However often the database says that it has still more, the first of it counts.
    """
    for second in range(20):
        lag.note(at(5), at(6 + second), float(second))

    assert lag.is_late(at(5), LATE_S)


def test_late_no_more_once_it_is_in(lag: Lag) -> None:
    """
    What is in is not late, and what is newer has its own time.
    """
    lag.note(at(5), at(9), 1.0)
    lag.note(at(9), at(12), 50.0)

    assert not lag.is_late(at(9), 50.0)
    assert lag.is_late(at(9), 50.0 + LATE_S)


def test_another_database_owes_nothing(lag: Lag) -> None:
    """
    After a change of database, the old one's time is awaited no more.
    """
    lag.note(at(5), at(9), 1.0)
    lag.forget()
    lag.note(at(3), at(3), 2.0)

    assert not lag.is_late(at(3), 100.0)
