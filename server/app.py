"""
The server as a process: start, serve, stop.
"""

from __future__ import annotations

import asyncio
import signal

from typing import Final

import structlog
import uvloop

from aiohttp import web

from recommender.exits import Exit
from recommender.settings import ServerSettings
from recommender.store import StoreReader
from server import health
from server.access import Keys, check_binding
from server.desk import Desk
from server.discovery import Discovery
from server.events import Events
from server.lines import Lines
from server.live import Live
from server.model import ModelDoor
from server.page import Page
from server.problems import problem_middleware
from server.products import Products
from server.recommendations import Recommender
from server.request_log import HTTP_LOGGER, request_log_middleware
from server.sight import sight_middleware, tell_freshness
from server.train import Train
from server.waiting import Waiting


LARGEST_BODY: Final = 256 * 1024  # bytes; twenty carts of a hundred products
SHUTDOWN_S: Final = 3.0  # for requests in flight; all take milliseconds but `train`

_log = structlog.get_logger()


class CannotBind(Exception):  # noqa: N818 the class says what happened
    """
    The address cannot be had; the message says what to do.
    """


def serve(settings: ServerSettings) -> Exit:
    """
    Answer requests until SIGTERM or SIGINT, then finish those in flight; a second
    signal does not wait for them.

    Raises:
        SettingsFault: The address is open to others, and there is no admin key.
        CannotBind: The address is in use, or not this machine's.
    """
    keys = Keys.of(key.get_secret_value() for key in settings.admin_keys)
    check_binding(settings.host, keys)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, keys))


def make_app(
    live: Live, *, keys: Keys, control_port: int, desk_port: int = 0
) -> web.Application:
    """
    Return the application.

    Args:
        live: What it answers from; it must be following the store meanwhile.
        keys: The admin keys.
        control_port: The listener's, on loopback.
        desk_port: The demo's, on loopback; 0 when there is none.
    """
    app = web.Application(
        middlewares=[
            request_log_middleware,
            sight_middleware(live),
            problem_middleware,
        ],
        client_max_size=LARGEST_BODY,
    )
    waiting, events = Waiting(live), Events(live)
    app.router.add_routes(
        [
            *health.routes(),
            *Products(waiting, keys).routes(),
            *Discovery(waiting).routes(),
            *Recommender(waiting, keys).routes(),
            *ModelDoor(waiting, live.reader, keys, control_port).routes(),
            *events.routes(),
            *Train(live, keys, control_port).routes(),
            *Page().routes(),
            *Desk(keys, desk_port).routes(),
            *Lines(keys, control_port).routes(),
        ]
    )
    app.on_response_prepare.append(tell_freshness)
    app.on_response_prepare.append(_hide_versions)
    app.on_shutdown.extend([waiting.close, events.close])
    return app


async def _hide_versions(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "evershelf"


async def _serve(settings: ServerSettings, keys: Keys) -> Exit:
    signals = _Signals()
    live = Live(StoreReader(settings.store_dir), asyncio.get_running_loop())
    app = make_app(
        live,
        keys=keys,
        control_port=settings.control_port,
        desk_port=settings.desk_port,
    )
    runner = web.AppRunner(
        app, access_log=None, logger=HTTP_LOGGER, shutdown_timeout=SHUTDOWN_S
    )
    async with live.following():
        try:
            await runner.setup()
            await _bind(runner, settings.host, settings.port)
            await signals.first.wait()
            _log.info("server.stopping")
        finally:
            is_whole = await _stop(runner, signals)
    _log.info("server.stopped", finished=is_whole)
    return Exit.OK


class _Signals:
    """
    The first and the second request to stop.
    """

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._note)

    def _note(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


async def _bind(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, reuse_address=True).start()
    except OSError as error:
        msg = (
            f"EVERSHELF_HOST={host} EVERSHELF_PORT={port} cannot be listened on: "
            f"{error.strerror or error}. Stop what uses it, or set another port or "
            "address."
        )
        raise CannotBind(msg) from error
    for address in runner.addresses:
        _log.info("server.started", host=address[0], port=address[1])


async def _stop(runner: web.AppRunner, signals: _Signals) -> bool:
    """
    Finish what is in flight; say whether no second signal came meanwhile.
    """
    finishing = asyncio.create_task(runner.cleanup())
    hurry = asyncio.create_task(signals.second.wait())
    await asyncio.wait({finishing, hurry}, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if finishing.done():
        await finishing
        return True
    finishing.cancel()
    await asyncio.wait({finishing})
    return False
