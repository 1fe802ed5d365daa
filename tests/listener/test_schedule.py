"""
When a change is published.
"""

from __future__ import annotations

import math

import pytest

from listener.schedule import RETRY_S, Policy, Schedule


POLICY = Policy(quiet_s=0, min_interval_s=1, max_staleness_s=5)
DEBOUNCE = Policy(quiet_s=30, min_interval_s=0, max_staleness_s=120)


@pytest.fixture(name="schedule")
def _schedule() -> Schedule:
    schedule = Schedule(POLICY)
    schedule.note_publication(now=0)
    return schedule


def test_nothing_changed(schedule: Schedule) -> None:
    """
    Without a change nothing is due, however long ago the last publication.
    """
    assert not schedule.is_waiting
    assert not schedule.is_due(now=1000, idle=True)
    assert schedule.wait_s(now=1000) == math.inf


@pytest.mark.parametrize(
    ("now", "idle", "due"),
    [
        (0.9, True, False),  # nothing more waits, but it is too soon after the last
        (1.0, True, True),
        (4.9, False, False),  # busy, and nothing has waited too long yet
        (5.0, False, True),
    ],
)
def test_change_waits_for_quiet_or_for_the_limit(
    schedule: Schedule, now: float, idle: bool, due: bool
) -> None:
    """
    A change is published when nothing more waits, or at the staleness limit.
    """
    schedule.note_change(now=0)

    assert due == schedule.is_due(now, idle=idle)


def test_first_publication_waits_for_nothing() -> None:
    """
    The least interval counts from a publication; before the first there is none.
    """
    schedule = Schedule(POLICY)
    schedule.note_change(now=0)

    assert schedule.is_due(now=0, idle=True)


def test_oldest_change_counts(schedule: Schedule) -> None:
    """
    Later changes do not push the deadline of an earlier one back.
    """
    schedule.note_change(now=0)
    schedule.note_change(now=4)

    assert schedule.is_due(now=5, idle=False)


def test_publication_forgets_what_waited(schedule: Schedule) -> None:
    """
    After a publication nothing is due before the next change, which waits anew.
    """
    schedule.note_change(now=0)
    schedule.note_publication(now=5)

    assert not schedule.is_due(now=100, idle=True)
    schedule.note_change(now=100)
    assert not schedule.is_due(now=104.9, idle=False)


@pytest.mark.parametrize(
    ("changes", "now", "due"),
    [
        ([0], 29.9, False),
        ([0], 30.0, True),
        ([0, 20], 30.0, False),  # each change begins the quiet time anew
        ([0, 20], 50.0, True),
        ([0, 20, 40, 60, 80, 100], 119.9, False),
        ([0, 20, 40, 60, 80, 100], 120.0, True),  # but not for ever
    ],
)
def test_classic_debounce(changes: list[float], now: float, due: bool) -> None:
    """
    With a quiet time many changes become one publication, that long after the last.
    """
    schedule = Schedule(DEBOUNCE)
    for at in changes:
        schedule.note_change(at)

    assert due == schedule.is_due(now, idle=True)


@pytest.mark.parametrize("policy", [POLICY, DEBOUNCE])
@pytest.mark.parametrize("at", [0.0, 0.5, 3.0, 119.0])
def test_wait_ends_when_it_is_due(policy: Policy, at: float) -> None:
    """
    Waiting as long as it says, and no shorter, makes an idle publication due.
    """
    schedule = Schedule(policy)
    schedule.note_publication(now=0)
    schedule.note_change(now=0)
    wait_s = schedule.wait_s(at)

    assert schedule.is_due(at + wait_s, idle=True)
    assert wait_s == 0 or not schedule.is_due(at + wait_s - 0.01, idle=True)


@pytest.mark.parametrize("policy", [POLICY, Policy(0, 0, 0)])
def test_failure_is_tried_again_but_not_in_haste(policy: Policy) -> None:
    """
    What could not be published waits for a moment, even beyond the staleness limit, and
    is still due then.
    """
    schedule = Schedule(policy)
    schedule.note_change(now=0)
    schedule.note_failure(now=100)

    assert schedule.is_waiting
    assert not schedule.is_due(now=100 + RETRY_S - 0.01, idle=True)
    assert schedule.wait_s(now=100) == pytest.approx(RETRY_S)
    assert schedule.is_due(now=100 + RETRY_S, idle=True)
