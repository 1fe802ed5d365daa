"""
The demo: a database of its own, the listener and the server, until Ctrl+C.

With MONGODB_URI set it runs the two for that database, and never writes to it.
"""

from __future__ import annotations

import sys

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from listener.demo.database import Database
from listener.demo.embedded import make_demo_mongod, stock
from listener.demo.errors import DemoFault, PortTaken
from listener.demo.greeting import Greeter, Site
from listener.demo.open_desk import OpenDesk
from listener.demo.ports import LOOPBACK, free_port, is_free
from listener.demo.program import Program
from listener.demo.replica_set import to_uri
from listener.demo.supervise import Part, supervise
from listener.signals import Stop, stop_on_signals
from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.settings import ListenerSettings, ServerSettings
from recommender.startup import begin, refuse
from server.access import Keys


log = structlog.get_logger()


class DemoSettings(ListenerSettings, ServerSettings):
    """
    What both processes take, so that the faults of both are told at once.
    """


def main() -> Exit:
    """
    Run until told to stop; return why it ended.
    """
    try:
        settings = begin(DemoSettings, [], process="demo")
        site = _to_site(settings)
        stop = Stop()
        stop_on_signals(stop)
        return _run(settings, site, stop)
    except SettingsFault as error:
        return refuse(error)
    except DemoFault as error:
        sys.stderr.write(f"{error}\n")
        return Exit.UNAVAILABLE


def _run(settings: ListenerSettings, site: Site, stop: Stop) -> Exit:
    control_port = _claim(settings.control_port, "EVERSHELF_CONTROL_PORT")
    ports = {
        "EVERSHELF_PORT": str(site.port),
        "EVERSHELF_CONTROL_PORT": str(control_port),
        # the page asks each second, and what its writes become is to be seen here
        "EVERSHELF_REQUEST_LINES_PER_S": "0",
    }
    with _database(settings) as (uri, parts):
        environment = {**ports, "MONGODB_URI": uri, "EVERSHELF_DESK_PORT": "0"}
        if settings.mongodb_uri is None:
            desk = _open_desk(settings, uri)
            environment["EVERSHELF_DESK_PORT"] = str(desk.port)
            parts.append(desk)
        parts += [
            Program(name, [sys.executable, "-m", f"run_{name}"], environment)
            for name in ("listener", "server")
        ]
        greeter = Greeter(site, uri, settings.database, settings.collection)
        code = supervise(parts, stop, on_tick=greeter.greet_when_ready)
    log.info("demo.stopped", code=int(code))
    return code


@contextmanager
def _database(settings: ListenerSettings) -> Iterator[tuple[str, list[Part]]]:
    """
    Yield the database's address, and what is to be watched for it: our own mongod, or
    nothing.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value(), []
        return
    with make_demo_mongod(settings) as mongod:
        uri = to_uri(mongod.port, settings.database)
        log.info("demo.database_started", address=uri)
        stock(settings, uri)
        yield uri, [Database(mongod)]


def _open_desk(settings: ListenerSettings, uri: str) -> OpenDesk:
    keys = Keys.of(key.get_secret_value() for key in settings.admin_keys)
    return OpenDesk(uri, settings.database, settings.collection, keys, free_port())


def _to_site(settings: ServerSettings) -> Site:
    port = _claim(settings.port, "EVERSHELF_PORT", settings.host)
    return Site(settings.host, port)


def _claim(port: int, variable: str, host: str = LOOPBACK) -> int:
    """
    Return the port, or any when it is 0, if a program could listen on it now.
    """
    if port == 0:
        return free_port()
    if is_free(port, host):
        return port
    msg = f"Another program listens on port {port}."
    raise PortTaken(
        msg,
        f"Stop it (is it another `make run`?), or set {variable} to another port.",
    )
