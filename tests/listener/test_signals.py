"""
Stopping when asked, in processes of their own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

from collections.abc import Iterator

import pytest

from listener.signals import NOW, Stop
from tests.support.processes import ROOT
from tests.support.waiting import wait_for


# Tidies up after the first signal for as long as nobody is in a hurry.
SCRIPT = """
import sys, time
from listener.signals import Stop, stop_on_signals

stop = Stop()
stop_on_signals(stop)
print("ready", flush=True)
while not stop.wait(1.0):
    pass
print("stopping", flush=True)
sys.stdin.readline()
print("stopped", flush=True)
"""


@pytest.fixture(name="process")
def _process() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
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

    rest, _ = process.communicate("go\n", timeout=10)
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

    assert process.wait(10) == NOW
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
