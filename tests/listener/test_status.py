"""
What the listener says of itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from listener.errors import Unreachable
from listener.status import REMINDER_S, STEADY_S, Status
from recommender.position import State
from tests.support.clock import EPOCH, FakeClock
from tests.support.listener import events


Logs = list[Any]


@pytest.fixture(name="status")
def _status(clock: FakeClock) -> Status:
    return Status(clock.clock)


def test_one_line_per_transition(status: Status, logs: Logs, clock: FakeClock) -> None:
    """
    Entering a state is one line, however often it is entered; its beginning is kept.
    """
    clock.advance(5)
    for _ in range(3):
        status.enter(State.CATCHING_UP, "resumed", position="1:1")
        clock.advance(1)
    status.enter(State.FOLLOWING)

    assert [(line["state"], line["was"], line["reason"]) for line in logs] == [
        (State.CATCHING_UP, State.STARTING, "resumed"),
        (State.FOLLOWING, State.CATCHING_UP, ""),
    ]
    assert logs[0]["position"] == "1:1"
    assert status.since_s == EPOCH + 8


def test_another_reason_is_a_transition(status: Status, logs: Logs) -> None:
    """
    The same state for another reason is said, too.
    """
    status.enter(State.RETRYING, "unreachable")
    status.enter(State.RETRYING, "refused")

    assert [line["reason"] for line in logs] == ["unreachable", "refused"]


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (State.FOLLOWING, "info"),
        (State.SCANNING, "info"),
        (State.RETRYING, "warning"),
        (State.FAILED, "warning"),
    ],
)
def test_trouble_is_a_warning(
    status: Status, logs: Logs, state: State, level: str
) -> None:
    """
    Only states that somebody may have to mend are warnings.
    """
    status.enter(state, "because")

    assert [line["log_level"] for line in logs] == [level]


def test_trouble_that_goes_on_is_said_again(
    status: Status, logs: Logs, clock: FakeClock
) -> None:
    """
    A failure that goes on is one more line every half minute, not one per try.
    """
    status.enter(State.RETRYING, "unreachable")
    status.note_failure(Unreachable("no answer"))
    for _ in range(int(REMINDER_S) * 2 + 1):
        clock.advance(1)
        status.note_failure(Unreachable("no answer"))

    lines = events(logs, "listener.still_failing")
    assert [line["failures"] for line in lines] == [REMINDER_S + 1, REMINDER_S * 2 + 1]
    assert lines[0]["error"] == "no answer"
    assert lines[1]["since_s"] == REMINDER_S * 2
    assert status.last_error == "no answer"


def test_first_failure_after_a_long_peace_is_no_reminder(
    status: Status, logs: Logs, clock: FakeClock
) -> None:
    """
    Trouble is said to go on only when it has gone on.
    """
    status.enter(State.FOLLOWING)
    clock.advance(REMINDER_S * 2)
    status.note_failure(Unreachable())

    assert not events(logs, "listener.still_failing")


def test_trouble_ends_when_all_has_been_well_for_long(
    status: Status, clock: FakeClock
) -> None:
    """
    Failures are counted until the database has answered for a while without one.
    """
    status.note_failure(Unreachable())
    status.note_failure(Unreachable())
    assert status.failures == 2

    status.note_progress()
    clock.advance(STEADY_S - 0.1)
    status.note_progress()
    status.note_failure(Unreachable())
    status.note_progress()
    clock.advance(STEADY_S - 0.1)
    status.note_progress()
    assert status.failures == 3

    clock.advance(0.2)
    status.note_progress()
    assert status.failures == 0
    assert status.troubles == 1


def test_trouble_that_comes_back_with_each_try_is_said_once(
    status: Status, logs: Logs, clock: FakeClock
) -> None:
    """
    A database that answers for a moment only is one trouble: each state is said once,
    and, when it is over, the one it has ended with.
    """
    for _ in range(50):
        status.enter(State.RETRYING, "unreachable")
        status.note_failure(Unreachable())
        clock.advance(1)
        status.enter(State.CATCHING_UP, "resumed")
        status.enter(State.FOLLOWING)
        status.note_progress()
    assert states(logs) == ["retrying", "catching_up", "following"]

    status.enter(State.RETRYING, "refused")
    status.enter(State.FOLLOWING)
    for _ in range(5):
        clock.advance(1)
        status.note_progress()
    assert states(logs)[3:] == ["retrying", "following"]

    status.enter(State.RETRYING, "unreachable")
    assert states(logs)[5:] == ["retrying"]


def states(logs: Logs) -> list[str]:
    return [str(line["state"]) for line in events(logs, "listener.state")]


def test_silence_counts_from_the_last_beat(status: Status, clock: FakeClock) -> None:
    """
    How long the loop has not turned is known at any moment.
    """
    clock.advance(3)
    assert status.silence_s == 3

    status.beat()
    clock.advance(1)
    assert status.silence_s == 1
