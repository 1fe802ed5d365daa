"""
The position file.
"""

from __future__ import annotations

import itertools

from typing import Any

import pytest

from listener.beacon import EVERY_S, MOVED_S, Beacon
from listener.status import Served, Status
from recommender.position import Position, State
from recommender.store import Store, StoreReader
from tests.support.clock import EPOCH, FakeClock
from tests.support.listener import at, events, unwritable


STEP_S = 0.01


@pytest.fixture(name="status")
def _status(clock: FakeClock) -> Status:
    return Status(clock.clock)


@pytest.fixture(name="beacon")
def _beacon(store: Store, status: Status, clock: FakeClock) -> Beacon:
    return Beacon(store, status, clock.clock)


def writes(
    beacon: Beacon, reader: StoreReader, clock: FakeClock, seconds: float
) -> list[Position]:
    """
    Return the positions written while the loop turns for so long.
    """
    seen: list[Position] = []
    for _ in range(round(seconds / STEP_S)):
        clock.advance(STEP_S)
        beacon.tend()
        position = reader.read_position()
        if position is not None and position not in seen:
            seen.append(position)
    return seen


def test_says_what_the_listener_does(
    beacon: Beacon, status: Status, reader: StoreReader
) -> None:
    """
    The file holds the state, its reason, the generation and how far it is good.
    """
    status.enter(State.CATCHING_UP, "resumed")
    status.served = Served(7, at(5), 59, 58)
    status.read_time = at(9)
    beacon.tend()

    assert reader.read_position() == Position(
        State.CATCHING_UP, "resumed", 7, at(5), at(9), EPOCH
    )


def test_the_database_is_never_behind_the_model(
    beacon: Beacon, status: Status, reader: StoreReader
) -> None:
    """
    Before anything was read, the time read is that of the model: no lag is negative.
    """
    status.served = Served(7, at(5), 59, 58)
    beacon.tend()

    position = reader.read_position()
    assert position is not None
    assert position.read_time == at(5)


def test_idle_at_least_once_a_second(
    beacon: Beacon, reader: StoreReader, clock: FakeClock
) -> None:
    """
    A position that stays the same is written each second, so that silence shows; and
    not more often.
    """
    seen = writes(beacon, reader, clock, 5)

    gaps = [b.written_at_s - a.written_at_s for a, b in itertools.pairwise(seen)]
    assert len(seen) == 5
    assert gaps == [pytest.approx(EVERY_S, abs=STEP_S)] * 4


def test_moving_at_most_ten_times_a_second(
    beacon: Beacon, status: Status, reader: StoreReader, clock: FakeClock
) -> None:
    """
    A position that moves all the time is written as often as is worth it.
    """
    seen = []
    for number in range(100):
        status.read_time = at(number)
        seen += writes(beacon, reader, clock, STEP_S)

    assert len({position.written_at_s for position in seen}) == pytest.approx(
        1 / MOVED_S, abs=1
    )


def test_change_of_state_is_said_at_once(
    beacon: Beacon, status: Status, reader: StoreReader
) -> None:
    """
    Servers hear of another state without delay.
    """
    for state in (State.SCANNING, State.FOLLOWING, State.RETRYING, State.STOPPING):
        status.enter(state)
        beacon.tend()
        position = reader.read_position()
        assert position is not None
        assert position.state == state


def test_survives_a_full_disk(
    beacon: Beacon, reader: StoreReader, store: Store, clock: FakeClock, logs: list[Any]
) -> None:
    """
    A position that cannot be written is one line, and one when it can be again; the
    file before stays whole.
    """
    beacon.tend()
    before = reader.read_position()
    with unwritable(reader.folder):
        assert writes(beacon, reader, clock, 5) == [before]
    assert writes(beacon, reader, clock, 2) != [before]

    said = events(logs, "position.failed", "position.recovered")
    assert [line["event"] for line in said] == ["position.failed", "position.recovered"]
