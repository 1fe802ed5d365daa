"""
What the listener says of itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from listener.errors import Unreachable
from listener.status import REMINDER_S, Status
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
    for _ in range(int(REMINDER_S) * 2 + 1):
        clock.advance(1)
        status.note_failure(Unreachable("no answer"))

    lines = events(logs, "listener.still_failing")
    assert [line["failures"] for line in lines] == [REMINDER_S, REMINDER_S * 2]
    assert lines[0]["error"] == "no answer"
    assert lines[1]["since_s"] == REMINDER_S * 2
    assert status.last_error == "no answer"


def test_an_answer_ends_the_count(status: Status) -> None:
    """
    Failures are counted in a row.
    """
    status.note_failure(Unreachable())
    status.note_failure(Unreachable())
    assert status.failures == 2

    status.note_progress()
    assert status.failures == 0


def test_silence_counts_from_the_last_beat(status: Status, clock: FakeClock) -> None:
    """
    How long the loop has not turned is known at any moment.
    """
    clock.advance(3)
    assert status.silence_s == 3

    status.beat()
    clock.advance(1)
    assert status.silence_s == 1
