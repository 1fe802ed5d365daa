"""
Stopping when asked, in processes of their own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from listener.signals import NOW, Part, Round, Stop
from tests.support.processes import ROOT
from tests.support.waiting import wait_for


PATIENCE_S = 60.0

# Tidies up after the first signal for as long as nobody is in a hurry. In short steps: a
# signal is heard between two of them, while a call that blocks for ever would not end by
# one that came in the moment before it.
SCRIPT = """
import select, sys
from listener.signals import Stop, stop_on_signals

stop = Stop()
stop_on_signals(stop)
print("ready", flush=True)
while not stop.wait(1.0):
    pass
print("stopping", flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    pass
print("stopped", flush=True)
"""


@pytest.fixture(name="process")
def _process() -> Iterator[subprocess.Popen[str]]:
    with started(SCRIPT) as process:
        yield process


@contextmanager
def started(script: str) -> Iterator[subprocess.Popen[str]]:
    """
    Yield a process that has said that it is ready.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert read_line(process) == "ready"
        yield process
        process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_once_is_graceful(process: subprocess.Popen[str], number: int) -> None:
    """
    After one signal the process ends by itself, in its own time, without an error.
    """
    process.send_signal(number)
    assert read_line(process) == "stopping"
    assert process.poll() is None

    rest, _ = process.communicate("go\n", timeout=PATIENCE_S)
    assert rest.strip() == "stopped"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_twice_is_now(process: subprocess.Popen[str], number: int) -> None:
    """
    The second signal ends the process at once, whatever it is doing.
    """
    process.send_signal(signal.SIGTERM)
    assert read_line(process) == "stopping"
    process.send_signal(number)

    assert process.wait(PATIENCE_S) == NOW
    assert read_line(process) == ""


# In the middle of something that never looks up, in short steps like the one above; tidies
# up after a first signal.
INTERRUPTED = """
import select, sys, threading
from listener.signals import interrupt_on_signals

interrupt_on_signals()
try:
    print("ready", flush=True)
    while not threading.Event().wait(0.05):
        pass
except KeyboardInterrupt:
    print("stopping", flush=True)
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        pass
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_wherever_it_is(number: int) -> None:
    """
    A program that never looks whether it is asked to stop is interrupted by the first
    signal, and tidies up.
    """
    with started(INTERRUPTED) as process:
        process.send_signal(number)
        assert read_line(process) == "stopping"
        rest, _ = process.communicate("go\n", timeout=PATIENCE_S)

    assert rest.strip() == "stopped"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_twice_is_now(number: int) -> None:
    """
    The second signal does not wait until it has tidied up.
    """
    with started(INTERRUPTED) as process:
        process.send_signal(signal.SIGINT)
        assert read_line(process) == "stopping"
        process.send_signal(number)

        assert process.wait(PATIENCE_S) == NOW
        assert read_line(process) == ""


def test_waiting_ends_when_asked() -> None:
    """
    Who waits hears of the stop long before the wait is over.
    """
    stop = Stop()
    heard: list[bool] = []
    waiter = threading.Thread(target=lambda: heard.append(stop.wait(60)))
    waiter.start()
    stop.set()

    wait_for(lambda: heard == [True])
    waiter.join()


def test_waiting_is_over_when_nobody_asks() -> None:
    """
    Without a stop a wait ends when its time is over, and says so.
    """
    stop = Stop()

    assert not stop.wait(0)
    assert not stop.is_set()
    stop.set()
    assert stop.wait(0)


def test_a_part_ends_by_itself() -> None:
    """
    The process and its other parts go on; and all of them end with the process.
    """
    process = Stop()
    its, other = Part(process), Part(process)
    its.set()

    assert its.wait(30.0)
    assert not process.is_set()
    assert not other.is_set()
    process.set()
    assert other.wait(30.0)


def test_a_round_ends_with_its_process() -> None:
    """
    Each round of a process ends when that is asked to stop, and waits no longer.
    """
    process = Stop()
    its = Round(process)
    assert not its.wait(0.0)
    its.set()

    assert process.is_set()
    assert its.wait(30.0)
    assert not its.is_over
    assert Round(process).is_set()


def test_a_round_ends_alone() -> None:
    """
    One that is over ends at once, and leaves the process and the next round going.
    """
    process = Stop()
    its = Round(process)
    its.end()

    assert its.wait(30.0)
    assert its.is_over
    assert not process.is_set()
    assert not Round(process).is_set()
