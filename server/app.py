"""
The server as a process: start, serve, stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
import uvloop

from aiohttp import web

from recommender.exits import Exit
from recommender.settings import DEFAULT_ORDERS_SHARE, ServerSettings
from recommender.store import StoreReader
from recommender.supervisor import Supervisor
from server import reference
from server.access import Keys, check_binding
from server.answers import CACHE_CONTROL
from server.compression import Compression
from server.desk import Desk
from server.discovery import Discovery
from server.doorway import Doorway
from server.draining import Draining
from server.events import Events
from server.gate import Gate, to_networks
from server.health import Health
from server.line import HURRY, Answers, Line
from server.lines import Lines
from server.live import Live
from server.model import ModelDoor
from server.origins import Origins
from server.pace import OwnTimes, Pace
from server.page import Page
from server.passage import Passage
from server.products import Products
from server.purchases import Purchased
from server.ready import Press
from server.recall import Recall
from server.recommendations import Recommender
from server.request_log import HTTP_LOGGER, RequestLog
from server.scrape import Scrape
from server.shared_times import SharedTimes
from server.shedding import Shedding
from server.sight import Lookout
from server.sockets import listen_each
from server.stored import Stored
from server.train import Train
from server.waiting import Waiting
from server.watchdog import supervised


LARGEST_BODY: Final = 256 * 1024  # bytes; twenty carts of a hundred products
LONGEST_LINE: Final = 64 * 1024  # bytes of an address; ids to exclude are many
KEEP_ALIVE_S: Final = 75.0  # longer than proxies keep a connection
SHUTDOWN_S: Final = 3.0  # for requests in flight; all take milliseconds but `train`

SCRAPE: Final = web.AppKey("scrape", Scrape)
LINES: Final = web.AppKey("lines", Lines)

_log = structlog.get_logger()


class CannotBind(Exception):  # noqa: N818 the class says what happened
    """
    The address cannot be had; the message says what to do.
    """


@dataclass(frozen=True, slots=True)
class House:
    """
    The rules of the house.

    Attributes:
        gate: Who may read, and how often.
        origins: Which other sites' pages may.
        metrics_keys: Good for `/metrics`, as admin keys are.
        request_lines_per_s: How many requests that went well are logged.
        cache_s: How long caches may answer without asking.
        cache_stale_s: How long after that, while they ask.
        shed_after_s: How much work may pile up before requests are turned away.
        orders_share: How much orders count beside texts.
    """

    gate: Gate = field(default_factory=Gate)
    origins: Origins = field(default_factory=Origins)
    metrics_keys: Keys = Keys()  # noqa: RUF009 frozen
    request_lines_per_s: int = 10
    cache_s: int = 0
    cache_stale_s: int = 5
    shed_after_s: float = 0.25
    orders_share: float = DEFAULT_ORDERS_SHARE

    @classmethod
    def of(cls, settings: ServerSettings) -> House:
        """
        Return the rules that *settings* make.
        """
        per_key, per_address = settings.rate_per_key, settings.rate_per_address
        times = OwnTimes if settings.workers == 1 else SharedTimes
        gate = Gate(
            Keys.of(key.get_secret_value() for key in settings.admin_keys),
            Keys.of(key.get_secret_value() for key in settings.read_keys),
            Pace(per_key, times()) if per_key else None,
            Pace(per_address, times()) if per_address else None,
            to_networks(settings.trusted_proxies),
        )
        origins = Origins.of(settings.cors_origins)
        metrics_keys = Keys.of(key.get_secret_value() for key in settings.metrics_keys)
        return cls(
            gate,
            origins,
            metrics_keys,
            settings.request_lines_per_s,
            settings.cache_s,
            settings.cache_stale_s,
            settings.shed_after_s,
            settings.orders_share,
        )

    @property
    def cache_control(self) -> str:
        """
        What caches are told of what anybody may see.
        """
        scope = "private" if self.gate.read_keys else "public"
        return (
            f"{scope}, max-age={self.cache_s}, "
            f"stale-while-revalidate={self.cache_stale_s}"
        )


def serve(settings: ServerSettings) -> Exit:
    """
    Answer requests until SIGTERM or SIGINT, then finish those in flight; a second
    signal does not wait for them.

    Raises:
        SettingsFault: The address is open to others, and there is no admin key.
        CannotBind: The address is in use, or not this machine's.
    """
    house = make_house(settings)
    [sockets] = have_sockets(settings, 1)
    return work(settings, house, sockets)


def make_house(settings: ServerSettings) -> House:
    """
    Return the rules, which fit one another. Workers have them in common when they are
    made before they are forked.

    Raises:
        SettingsFault: The address is open to others, and there is no admin key.
    """
    house = House.of(settings)
    check_binding(settings.host, house.gate.admin_keys)
    return house


def have_sockets(settings: ServerSettings, members: int) -> list[list[socket.socket]]:
    """
    Return the sockets of each of some processes.

    Raises:
        CannotBind: The address is in use, or not this machine's.
    """
    host, port = settings.host, settings.port
    try:
        return listen_each(host, port, members)
    except OSError as error:
        msg = (
            f"EVERSHELF_HOST={host} EVERSHELF_PORT={port} cannot be listened on: "
            f"{error.strerror or error}. Stop what uses it, or set another port or "
            "address."
        )
        raise CannotBind(msg) from error


def work(
    settings: ServerSettings,
    house: House,
    sockets: Sequence[socket.socket],
    line: Line | None = None,
) -> Exit:
    """
    Answer what comes to *sockets*, as `serve` does.

    Args:
        line: To the process that leads this one, if any does; else a service manager is
            told how it goes.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, house, sockets, line))


def make_app(  # noqa: PLR0913 each is one thing it asks
    live: Live,
    house: House,
    *,
    control_port: int,
    draining: Draining,
    desk_port: int = 0,
    orders: Live | None = None,
) -> web.Application:
    """
    Return the application.

    Args:
        live: What it answers from; it must be following the store meanwhile.
        control_port: The listener's, on loopback.
        draining: Whether it is about to stop.
        desk_port: The demo's, on loopback; 0 when there is none.
        orders: What follows the store of the orders, if there is one.
    """
    shedding = Shedding(house.shed_after_s, live.metrics)
    compression = Compression()
    press = Press(house.cache_control, compression, house.origins, draining)
    recall = Recall(live.remembered, press)
    passage = Passage(
        Lookout(live).look,
        live.metrics,
        RequestLog(house.request_lines_per_s),
        compression,
        house.origins,
        shedding,
        house.gate,
        draining,
        recall,
    )
    app = web.Application(
        middlewares=[passage.middleware], client_max_size=LARGEST_BODY
    )
    app[CACHE_CONTROL] = house.cache_control
    keys = house.gate.admin_keys
    waiting, events = Waiting(live, orders), Events(live, passage.tell)
    scrape = app[SCRAPE] = Scrape(live, events, keys | house.metrics_keys)
    lines = app[LINES] = Lines(keys, control_port)
    app.router.add_routes(
        [
            *Health(draining).routes(),
            *Products(waiting, keys, recall).routes(),
            *Purchased(waiting, keys, house.orders_share).routes(),
            *Discovery(waiting, recall).routes(),
            *Recommender(waiting, keys, shedding).routes(),
            *ModelDoor(waiting, live.reader, keys, control_port).routes(),
            *Stored(live.reader, keys).routes(),
            *events.routes(),
            *reference.routes(),
            *scrape.routes(),
            *Train(live, keys, control_port).routes(),
            *Page().routes(),
            *Desk(keys, desk_port).routes(),
            *lines.routes(),
        ]
    )
    app.on_response_prepare.append(passage.name)
    app.on_shutdown.extend([waiting.close, events.close])
    return app


def _to_count(server: web.Server) -> Callable[[], int]:
    return lambda: len(server.connections)


async def _serve(
    settings: ServerSettings,
    house: House,
    sockets: Sequence[socket.socket],
    line: Line | None,
) -> Exit:
    draining = Draining()
    signals = _Signals(is_led=line is not None)
    loop = asyncio.get_running_loop()
    live = Live(StoreReader(settings.store_dir), loop)
    orders = (
        Live(StoreReader(settings.orders_dir), loop)
        if settings.orders_collection
        else None
    )
    app = make_app(
        live,
        house,
        control_port=settings.control_port,
        draining=draining,
        desk_port=settings.desk_port,
        orders=orders,
    )
    runner = web.AppRunner(
        app,
        access_log=HTTP_LOGGER,
        access_log_class=live.metrics.access_log_class,
        logger=HTTP_LOGGER,
        shutdown_timeout=SHUTDOWN_S,
        keepalive_timeout=KEEP_ALIVE_S,
        max_line_size=LONGEST_LINE,
    )
    async with live.following(), _following_orders(orders):
        try:
            await runner.setup()
            if runner.server is not None:
                app[SCRAPE].connections = _to_count(runner.server)
            if line is not None:
                app[SCRAPE].line = app[LINES].line = line
                answers: Answers = {
                    "metrics": app[SCRAPE].to_text,
                    "lines": app[LINES].to_text,
                }
                line.open(answers, signals.abandon)
            await Doorway(runner, sockets).start()
            for address in runner.addresses:
                _log.info("server.started", host=address[0], port=address[1])
            manager = line or Supervisor.of(os.environ, time.monotonic)
            async with supervised(manager):
                await signals.first.wait()
            _log.info("server.stopping")
            draining.is_on = True
            await signals.drain(settings.drain_s)
        finally:
            is_whole = await _stop(runner, signals)
    _log.info("server.stopped", finished=is_whole)
    return Exit.OK


@contextlib.asynccontextmanager
async def _following_orders(orders: Live | None) -> AsyncIterator[None]:
    """
    Follow the store of the orders, if there is one; its log lines say so.
    """
    if orders is None:
        yield
        return
    async with contextlib.AsyncExitStack() as stack:
        with structlog.contextvars.bound_contextvars(followed="orders"):
            await stack.enter_async_context(orders.following())
        yield


class _Signals:
    """
    The first and the second request to stop.
    """

    def __init__(self, *, is_led: bool) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._is_drained = asyncio.Event()
        loop = asyncio.get_running_loop()
        if is_led:  # Ctrl+C goes to all, and the leader passes it on
            loop.add_signal_handler(signal.SIGTERM, self.first.set)
            loop.add_signal_handler(HURRY, self._hurry)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._note)

    def abandon(self) -> None:
        """
        Stop without a drain: who would be the next leader wants the port.
        """
        self._is_drained.set()
        self.first.set()

    async def drain(self, longest_s: float) -> None:
        """
        Return after *longest_s*, or as soon as there is no more time for that.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_drained.wait(), longest_s)

    def _note(self) -> None:
        if self.first.is_set():
            self._hurry()
        self.first.set()

    def _hurry(self) -> None:
        self.first.set()
        self.second.set()
        self._is_drained.set()


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
