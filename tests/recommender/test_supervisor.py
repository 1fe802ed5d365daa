"""
What a service manager is told.
"""

from __future__ import annotations

import os
import socket

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.supervisor import Supervisor
from tests.support.clock import FakeClock
from tests.support.manager import Manager, managing


@pytest.fixture(name="manager")
def _manager(tmp_path: Path) -> Iterator[Manager]:
    with managing(tmp_path) as manager:
        yield manager


def test_what_it_says(manager: Manager) -> None:
    """
    Each message arrives as the protocol has it.
    """
    supervisor = Supervisor.of(manager.environment(), FakeClock().monotonic)

    supervisor.ready()
    supervisor.stopping()

    assert manager.hear() == ["READY=1", "STOPPING=1"]


def test_it_is_fed_three_times_in_its_patience(manager: Manager) -> None:
    """
    However often the loop turns, the manager hears of it at once, and from then on
    after each third of what it bears.
    """
    clock = FakeClock()
    supervisor = Supervisor.of(manager.environment(30), clock.monotonic)
    fed = []
    for _ in range(300):
        supervisor.feed()
        fed += [clock.now for _ in manager.hear()]
        clock.advance(0.125)

    assert fed == [0, 10, 20, 30]


@pytest.mark.parametrize(
    "watchdog",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "²"},
        {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getppid())},
    ],
    ids=["unset", "off", "senseless", "no-digit", "for-another"],
)
def test_who_does_not_ask_is_not_fed(
    manager: Manager, watchdog: dict[str, str]
) -> None:
    """
    A manager that wants no sign of life from this process gets none.
    """
    environment = manager.environment() | watchdog
    supervisor = Supervisor.of(environment, FakeClock().monotonic)

    supervisor.feed()

    assert supervisor.every_s == 0
    assert manager.hear() == []


def test_an_abstract_address(tmp_path: Path) -> None:
    """
    An address with @ is one of no file.
    """
    name = f"evershelf-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        environment = {"NOTIFY_SOCKET": f"@{name}"}
        Supervisor.of(environment, FakeClock().monotonic).ready()

        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "x" * 200])
def test_without_a_manager_nothing_happens(address: str) -> None:
    """
    A process that nobody manages, or whose manager has gone, goes on.
    """
    supervisor = Supervisor(address, every_s=1, monotonic=FakeClock().monotonic)

    supervisor.ready()
    supervisor.feed()
    supervisor.stopping()


def test_a_manager_that_hangs_does_not_hang_us(manager: Manager) -> None:
    """
    When nobody takes the messages out, those that find no room are lost.
    """
    supervisor = Supervisor.of(manager.environment(), FakeClock().monotonic)

    for _ in range(10_000):
        supervisor.ready()

    assert 0 < len(manager.hear()) < 10_000
