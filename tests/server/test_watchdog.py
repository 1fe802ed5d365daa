"""
The server under a service manager.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.supervisor import Supervisor
from server.watchdog import supervised
from tests.support.manager import Manager, managing
from tests.support.processes import Process


@pytest.fixture(name="manager")
def _manager(tmp_path: Path) -> Iterator[Manager]:
    with managing(tmp_path) as manager:
        yield manager


async def test_a_loop_that_hangs_feeds_nobody(manager: Manager) -> None:
    """
    The manager is fed for as long as the event loop turns: while something holds it up
    nothing is heard, and then again.
    """
    environment = manager.environment(0.15)
    async with supervised(Supervisor.of(environment, time.monotonic)):
        told = await asyncio.to_thread(manager.wait_for, "WATCHDOG=1")
        await asyncio.to_thread(manager.wait_for, "WATCHDOG=1")
        manager.hear()
        time.sleep(0.5)  # noqa: ASYNC251 that is the point
        assert manager.hear() == []
        await asyncio.to_thread(manager.wait_for, "WATCHDOG=1")
    assert told[0] == "READY=1"
    assert manager.hear()[-1] == "STOPPING=1"


async def test_a_manager_without_a_watchdog(manager: Manager) -> None:
    """
    It hears of the beginning and of the end.
    """
    async with supervised(Supervisor.of(manager.environment(), time.monotonic)):
        await asyncio.sleep(0)

    assert manager.hear() == ["READY=1", "STOPPING=1"]


def test_the_server_tells(tmp_path: Path, manager: Manager) -> None:
    """
    The real server is ready once it listens, feeds its watchdog, and says that it stops
    before the drain.
    """
    environment = {
        "EVERSHELF_DATA_DIR": str(tmp_path / "data"),
        "EVERSHELF_PORT": "0",
        "EVERSHELF_LOG_FORMAT": "json",
        "EVERSHELF_DRAIN_S": "60",
        **manager.environment(0.3),
    }
    server = Process("run_server.py", [], environment, tmp_path / "server.log")
    server.start()
    try:
        assert manager.wait_for("READY=1")[0] == "READY=1"
        assert server.logs("server.started")
        manager.wait_for("WATCHDOG=1")
        server.ask_to_stop()
        manager.wait_for("STOPPING=1")
        assert server.is_running
        assert server.stop() == 0  # asked a second time
    finally:
        if server.is_running:
            server.kill()
