from __future__ import annotations

import pytest

from listener.doctor.database import Oplog
from listener.errors import Unreachable
from listener.window import EVERY_S, Window
from tests.support.clock import FakeClock
from tests.support.waiting import wait_for


OPLOG = Oplog(1_000, 5_000, is_whole=False)


class Answers:
    """
    What the database says of its oplog, one answer after the other.
    """

    def __init__(self, *answers: Oplog | Exception | None) -> None:
        self._answers = list(answers)
        self.asked = 0

    def __call__(self) -> Oplog | None:
        self.asked += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def settle(window: Window) -> None:
    """
    Tend until nothing is asked any more.
    """

    def ask() -> bool:
        window.tend()
        return window._asking is None

    window.tend()
    wait_for(ask)


def test_looks_now_and_then(clock: FakeClock) -> None:
    """
    It looks at once, and again after a while, however often it is tended.
    """
    answers = Answers(OPLOG, Oplog(2_000, 6_000, is_whole=False))
    window = Window(answers, clock.clock)
    settle(window)
    settle(window)
    assert (window.oplog, answers.asked) == (OPLOG, 1)

    clock.advance(EVERY_S)
    settle(window)

    assert window.oplog == Oplog(2_000, 6_000, is_whole=False)


def test_what_may_not_be_read_is_not_asked_again(clock: FakeClock) -> None:
    """
    A user of the least privilege fills no log of the database.
    """
    answers = Answers(None)
    window = Window(answers, clock.clock)
    settle(window)
    clock.advance(EVERY_S)
    settle(window)

    assert (window.oplog, answers.asked) == (None, 1)


def test_what_was_seen_is_forgotten_when_nobody_answers(clock: FakeClock) -> None:
    """
    An outage makes it unknown until the next look.
    """
    window = Window(Answers(OPLOG, Unreachable(), OPLOG), clock.clock)
    seen = []
    for _ in range(3):
        settle(window)
        seen.append(window.oplog)
        clock.advance(EVERY_S)

    assert seen == [OPLOG, None, OPLOG]


def test_defect_is_not_swallowed(clock: FakeClock) -> None:
    """
    What is no trouble of the database ends the process as anything else would.
    """
    window = Window(Answers(ZeroDivisionError()), clock.clock)

    with pytest.raises(ZeroDivisionError):
        settle(window)
