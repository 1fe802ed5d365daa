"""
The shrink guard.
"""

from __future__ import annotations

import pytest

from listener.guard import LEAST, TRUSTED, ShrinkGuard


GRACE_S = 300.0


@pytest.fixture(name="guard")
def _guard() -> ShrinkGuard:
    guard = ShrinkGuard(GRACE_S)
    guard.watch("collection_dropped", visible=1_000, now=10)
    return guard


@pytest.mark.parametrize(
    ("visible", "is_held"), [(0, True), (499, True), (500, False), (1_000, False)]
)
def test_holds_what_lost_more_than_half(
    guard: ShrinkGuard, visible: int, is_held: bool
) -> None:
    """
    Only a model that shows less than half of what visitors have is held back.
    """
    assert is_held == guard.is_holding(visible, now=10)


def test_not_for_ever(guard: ShrinkGuard) -> None:
    """
    After the grace time what the database has become is obeyed.
    """
    assert guard.is_holding(0, now=10 + GRACE_S - 0.1)
    assert not guard.is_holding(0, now=10 + GRACE_S)


def test_released_by_a_publication(guard: ShrinkGuard) -> None:
    """
    Once a model is published, what arrives as events is never held back.
    """
    guard.release()

    assert not guard.is_holding(0, now=11)


def test_a_first_start_with_visitors_is_guarded() -> None:
    """
    A listener that was killed before its first model was durable starts from nothing,
    while servers have that model.
    """
    guard = ShrinkGuard(GRACE_S)
    guard.watch("first_start", visible=1_000, now=0)

    assert guard.is_holding(499, now=0)


@pytest.mark.parametrize("reason", sorted(TRUSTED))
def test_what_somebody_asked_for_is_believed(reason: str) -> None:
    """
    A rebuild that was asked for is not guarded.
    """
    guard = ShrinkGuard(GRACE_S)
    guard.watch(reason, visible=1_000, now=0)

    assert not guard.is_holding(0, now=0)


def test_small_shops_are_not_guarded() -> None:
    """
    A small shop may change at once.
    """
    guard = ShrinkGuard(GRACE_S)
    guard.watch("collection_dropped", visible=LEAST - 1, now=0)

    assert not guard.is_holding(0, now=0)


def test_no_grace_no_guard() -> None:
    """
    Without a grace time nothing is held back.
    """
    guard = ShrinkGuard(0)
    guard.watch("collection_dropped", visible=1_000, now=0)

    assert not guard.is_holding(0, now=0)
