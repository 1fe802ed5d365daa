"""
The event loop as the service manager sees it.
"""

from __future__ import annotations

import asyncio

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from recommender.supervisor import Supervisor


@asynccontextmanager
async def supervised(supervisor: Supervisor) -> AsyncIterator[None]:
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


async def _feed(supervisor: Supervisor) -> None:
    while supervisor.every_s:
        supervisor.feed()
        await asyncio.sleep(supervisor.every_s)
