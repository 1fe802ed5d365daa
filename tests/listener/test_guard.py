"""
The shrink guard.
"""

from __future__ import annotations

import pytest

from listener.guard import LEAST, TRUSTED, ShrinkGuard


GRACE_S = 30.0


@pytest.fixture(name="guard")
def _guard() -> ShrinkGuard:
    return ShrinkGuard(GRACE_S)


@pytest.mark.parametrize(
    ("before", "after", "is_held"),
    [
        (200, 99, True),
        (200, 100, False),  # half is not more than half
        (200, 0, True),
        (LEAST, 0, True),
        (LEAST - 1, 0, False),
        (0, 0, False),
        (200, 500, False),
    ],
)
def test_more_than_half_of_many_is_held(
    guard: ShrinkGuard, before: int, after: int, is_held: bool
) -> None:
    """
    A model that lost more than half of at least 100 visible products waits.
    """
    guard.watch("collection_dropped", before, now=0)

    assert guard.is_holding(after, now=1) == is_held


def test_the_database_is_obeyed_in_the_end(guard: ShrinkGuard) -> None:
    """
    After the grace time nothing is held any more.
    """
    guard.watch("collection_dropped", 200, now=5)

    assert guard.is_holding(0, now=5 + GRACE_S - 0.1)
    assert not guard.is_holding(0, now=5 + GRACE_S)


def test_products_that_come_back_end_it(guard: ShrinkGuard) -> None:
    """
    As soon as half of the products are there again nothing is held.
    """
    guard.watch("history_lost", 200, now=0)

    assert guard.is_holding(99, now=1)
    assert not guard.is_holding(150, now=2)


@pytest.mark.parametrize("reason", sorted(TRUSTED))
def test_what_was_asked_for_is_not_held(guard: ShrinkGuard, reason: str) -> None:
    """
    A rebuild that somebody has asked for, or new settings, or a first start, is taken
    at its word.
    """
    guard.watch(reason, 200, now=0)

    assert not guard.is_holding(0, now=1)


def test_events_are_never_held(guard: ShrinkGuard) -> None:
    """
    Without a rebuild, and after its publication, nothing is held, however much hides.
    """
    assert not guard.is_holding(0, now=0)
    guard.watch("collection_dropped", 200, now=0)
    guard.release()

    assert not guard.is_holding(0, now=1)
