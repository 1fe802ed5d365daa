"""
Programs that are watched, by stand-ins that end as told.
"""

from __future__ import annotations

import sys
import time

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from listener.demo import supervise as module
from listener.demo.errors import DemoFault
from listener.demo.program import Program
from listener.demo.supervise import RESTARTS, supervise
from listener.signals import Stop
from recommender.exits import Exit


PATIENCE_S = 60.0

# Writes a line when it starts, and one when it is asked to stop.
POLITE = """
import signal, sys, time
note = lambda word: open(sys.argv[1], "a").write(f"{sys.argv[2]} {word}\\n")
def leave(*_):
    note("stops"); sys.exit()
signal.signal(signal.SIGTERM, leave)
note("starts")
while True: time.sleep(10)
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "a").write(f"{sys.argv[2]} starts\\n")
while True: time.sleep(10)
"""
BRIEF = """
import sys
open(sys.argv[1], "a").write(f"{sys.argv[2]} starts\\n")
sys.exit(int(sys.argv[3]))
"""


@dataclass
class Diary:
    """
    What the programs have written, and the watch over it.
    """

    path: Path
    stop: Stop = field(default_factory=Stop)

    def make_program(self, name: str, script: str, *arguments: str) -> Program:
        command = [sys.executable, "-S", "-c", script, str(self.path), name, *arguments]
        return Program(name, command, {})

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def watch(self, *parts: module.Part, until: int) -> Exit:
        """
        Supervise until there are so many lines.
        """
        deadline = time.monotonic() + PATIENCE_S

        def look(_now: float) -> None:
            if len(self.lines()) >= until or time.monotonic() > deadline:
                self.stop.set()

        return supervise(parts, self.stop, on_tick=look, first_delay_s=0.001)


@pytest.fixture(name="diary")
def _diary(tmp_path):
    return Diary(tmp_path / "diary")


def test_all_are_stopped_when_told(diary):
    """
    Each is asked to stop, and has stopped when the call returns.
    """
    parts = [diary.make_program(name, POLITE) for name in ("first", "second")]

    assert diary.watch(*parts, until=2) == Exit.OK
    assert sorted(diary.lines()) == [
        "first starts", "first stops", "second starts", "second stops"
    ]  # fmt: skip
    assert [part.exit_code() for part in parts] == [None, None]


def test_a_stop_before_the_start_stops(diary):
    """
    A signal that came while they were started is obeyed.
    """
    diary.stop.set()

    assert diary.watch(diary.make_program("one", STUBBORN), until=99) == Exit.OK


def test_one_that_ends_is_started_again(diary):
    """
    A crash of one leaves the others alone, and is mended.
    """
    crashing = diary.make_program("crashing", BRIEF, "1")
    steady = diary.make_program("steady", POLITE)

    assert diary.watch(steady, crashing, until=4) == Exit.OK
    assert diary.lines().count("crashing starts") >= 3
    assert diary.lines().count("steady starts") == 1


def test_one_that_keeps_ending_is_given_up(diary):
    """
    After so many ends in a row everything stops.
    """
    parts = [
        diary.make_program("steady", POLITE),
        diary.make_program("broken", BRIEF, "7"),
    ]

    assert diary.watch(*parts, until=99) == Exit.UNAVAILABLE
    assert diary.lines().count("broken starts") == RESTARTS + 1
    assert diary.lines()[-1] == "steady stops"


@pytest.mark.parametrize("code", [Exit.SETTINGS, Exit.REFUSED])
def test_what_no_restart_mends_stops_all(diary, code):
    """
    A wrong setting is told once; the code is passed on.
    """
    parts = [
        diary.make_program("steady", POLITE),
        diary.make_program("wrong", BRIEF, str(int(code))),
    ]

    assert diary.watch(*parts, until=99) == code
    assert diary.lines().count("wrong starts") == 1


def test_one_that_does_not_stop_is_killed(diary, monkeypatch):
    """
    The stop is bounded, whatever a program does about it.
    """
    monkeypatch.setattr(module, "STOP_S", 0.5)
    monkeypatch.setattr(module, "LAST_S", 0.2)
    parts = [
        diary.make_program("first", STUBBORN),
        diary.make_program("second", STUBBORN),
    ]
    assert diary.watch(*parts, until=2) == Exit.OK
    assert [part.exit_code() for part in parts] == [None, None]


class Fragile:
    """
    A part that starts once and never again.
    """

    name = "fragile"

    def __init__(self) -> None:
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        if self.starts > 1:
            raise DemoFault("It does not start.", "Mend it.")  # noqa: EM101

    def exit_code(self) -> int | None:
        return 1

    def ask_to_stop(self) -> None:
        pass

    def stop(self, *, timeout_s: float) -> None:
        pass


def test_a_restart_that_fails_counts_as_an_end(diary):
    """
    What cannot be started again is tried as often as what ends again.
    """
    fragile = Fragile()

    assert diary.watch(fragile, until=99) == Exit.UNAVAILABLE
    assert fragile.starts == RESTARTS + 1
