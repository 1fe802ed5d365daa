"""
A small web application beside a loop that has other things to do.
"""

from __future__ import annotations

import asyncio
import threading

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from server.doorway import Doorway
from server.request_log import HTTP_LOGGER
from server.sockets import listen


LOOPBACK: Final = "127.0.0.1"
STARTING_S: Final = 10.0
PARTING_S: Final = 0.5
KEEP_ALIVE_S: Final = 75.0  # also for a request's head to arrive


def serve_in_background(
    app: web.Application, port: int, *, name: str
) -> Callable[[], None]:
    """
    Serve *app* on loopback from a thread of its own; return what stops it.

    Args:
        app: What answers.
        port: Where.
        name: Of the thread.

    Raises:
        OSError: The port is taken.
    """
    sockets = listen(LOOPBACK, port)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=HTTP_LOGGER,
        shutdown_timeout=PARTING_S,
        keepalive_timeout=KEEP_ALIVE_S,
    )

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()

    def wait_for(work: Awaitable[None]) -> None:
        async def do() -> None:
            await work

        asyncio.run_coroutine_threadsafe(do(), loop).result(STARTING_S)

    async def start() -> None:
        await runner.setup()
        await Doorway(runner, sockets).start()

    def stop() -> None:
        wait_for(runner.cleanup())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    wait_for(start())
    return stop
