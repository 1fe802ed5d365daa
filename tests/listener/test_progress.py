"""
How far a long read is, as people and as programs see it.
"""

from __future__ import annotations

import io
import sys

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from listener.progress import LINE_S, shown
from tests.support.clock import FakeClock


Logs = list[Any]
Look = Callable[..., "Screen"]


class Screen(io.StringIO):
    """
    Standard error, of somebody who looks or of a program.
    """

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """
        Whether somebody looks.
        """
        return self._is_terminal


@pytest.fixture(name="look")
def _look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """
    Makes standard error a terminal; to be called in the test, as pytest takes it anew
    for each part.
    """

    def look(*, is_terminal: bool = True) -> Screen:
        screen = Screen(is_terminal=is_terminal)
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        return screen

    return look


def batches(clock: FakeClock, seconds: float) -> Iterator[Sequence[int]]:
    """
    Yield four batches of five, each of which takes so long.
    """
    for start in range(0, 20, 5):
        clock.advance(seconds)
        yield range(start, start + 5)


def test_bar_on_a_terminal(look: Look, clock: FakeClock, logs: Logs) -> None:
    """
    On a terminal a bar tells task and numbers, and is gone at the end; nothing is
    logged. The items come through.
    """
    screen = look()
    read = shown(batches(clock, LINE_S), total=20, task="scan", clock=clock.clock)

    assert [number for batch in read for number in batch] == list(range(20))
    said = screen.getvalue()
    assert "scan" in said
    assert "20/20" in said
    assert said.endswith("\x1b[2K")  # erased
    assert not logs


def test_lines_elsewhere(look: Look, clock: FakeClock, logs: Logs) -> None:
    """
    Elsewhere a line comes every few seconds, with how much is done and how fast.
    """
    screen = look(is_terminal=False)
    read = shown(batches(clock, LINE_S / 2), total=20, task="scan", clock=clock.clock)

    assert [number for batch in read for number in batch] == list(range(20))
    assert not screen.getvalue()
    assert logs == [
        {
            "event": "read.progress",
            "log_level": "info",
            "task": "scan",
            "done": done,
            "total": 20,
            "per_s": 2,
        }
        for done in (10, 20)
    ]


def test_no_line_for_what_is_quick(look: Look, clock: FakeClock, logs: Logs) -> None:
    """
    What is read in a moment is not worth a line.
    """
    look(is_terminal=False)
    read = shown(batches(clock, 0.1), total=20, task="scan", clock=clock.clock)

    assert sum(map(len, read)) == 20
    assert not logs


def test_more_than_was_thought(look: Look, clock: FakeClock, logs: Logs) -> None:
    """
    A total that was too low never says that more is done than there is.
    """
    look(is_terminal=False)
    read = shown(batches(clock, LINE_S), total=7, task="scan", clock=clock.clock)

    assert sum(map(len, read)) == 20
    assert [(line["done"], line["total"]) for line in logs] == [
        (5, 7),
        (10, 10),
        (15, 15),
        (20, 20),
    ]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_nothing_to_read(
    look: Look, clock: FakeClock, logs: Logs, *, is_terminal: bool
) -> None:
    """
    An empty collection has nothing to show.
    """
    look(is_terminal=is_terminal)
    nothing: list[Sequence[int]] = []

    assert list(shown(nothing, total=0, task="scan", clock=clock.clock)) == []
    assert not logs


def test_bar_is_gone_when_reading_fails(look: Look, clock: FakeClock) -> None:
    """
    An error comes through, and leaves the terminal as it was.
    """
    screen = look()

    def failing() -> Iterator[Sequence[int]]:
        yield [1]
        msg = "no more"
        raise OSError(msg)

    with pytest.raises(OSError, match="no more"):
        list(shown(failing(), total=5, task="scan", clock=clock.clock))

    assert screen.getvalue().endswith("\x1b[2K")
