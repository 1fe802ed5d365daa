"""
The event loop as the service manager sees it.
"""

from __future__ import annotations

import asyncio

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol


class Manager(Protocol):
    """
    Who is told how the process goes: `recommender.supervisor`, or who leads it.

    Attributes:
        every_s: How often it is told that the loop turns; 0: never.
    """

    every_s: float

    def ready(self) -> None:
        """
        Tell that the process does what it is for.
        """

    def feed(self) -> None:
        """
        Tell that the loop turns.
        """

    def stopping(self) -> None:
        """
        Tell that the process has begun to stop.
        """


@asynccontextmanager
async def supervised(supervisor: Manager) -> AsyncIterator[None]:
    """
    Tell the manager that the process is ready; then, for as long as the loop turns,
    that it does; and when the context ends, that the process stops.
    """
    supervisor.ready()
    feeding = asyncio.create_task(_feed(supervisor))
    try:
        yield
    finally:
        feeding.cancel()
        supervisor.stopping()


async def _feed(supervisor: Manager) -> None:
    while supervisor.every_s:
        supervisor.feed()
        await asyncio.sleep(supervisor.every_s)
