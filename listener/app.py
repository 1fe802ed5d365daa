"""
The listener's process: arguments in, exit code out.
"""

from __future__ import annotations

import sys

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, assert_never

import structlog

from listener.assembly import CLOCK, make_daemon, open_source, to_weights
from listener.background import serve_in_background
from listener.complaints import Complaints
from listener.control import Control
from listener.demo.embedded import embedded
from listener.demo.load import load_file
from listener.errors import ListenerError, Refused
from listener.signals import Stop, stop_on_signals
from recommender.errors import (
    RecommenderError,
    SettingsFault,
)
from recommender.exits import Exit
from recommender.settings import ListenerSettings
from recommender.startup import begin
from recommender.store import Store, StoreReader
from server.access import Keys


NO_ADDRESS: Final = (
    "MONGODB_URI is not set: set it to the address of your replica set, such as "
    "mongodb://127.0.0.1:27017/shop, or try `make run` (or --demo) for an embedded one"
)

log = structlog.get_logger()


def main(arguments: Sequence[str]) -> Exit:
    """
    Do what *arguments* and the environment ask for; return how it ended.
    """
    try:
        return _do(begin(ListenerSettings, arguments, process="listener"))
    except SettingsFault as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return Exit.SETTINGS
    except Refused as error:
        log.error("listener.refused", error=str(error), remedy=error.remedy)
        return Exit.REFUSED
    except (ListenerError, RecommenderError, OSError) as error:
        log.error("listener.failed", error=str(error))
        return Exit.UNAVAILABLE
    except Exception:
        log.exception("listener.crashed")
        return Exit.DEFECT


def _do(settings: ListenerSettings) -> Exit:
    stop = Stop()
    stop_on_signals(stop)
    match settings.command:
        case "run":
            with _address(settings) as uri:
                return _follow(settings, uri, stop)
        case "verify":
            with _address(settings) as uri:
                return _verify(settings, uri, stop)
        case "load":
            return load_file(settings)
        case _:
            assert_never(settings.command)


@contextmanager
def _address(settings: ListenerSettings) -> Iterator[str]:
    """
    Yield the database's address; with --demo, of one that runs only meanwhile.
    """
    if settings.mongodb_uri is not None:
        yield settings.mongodb_uri.get_secret_value()
    elif settings.demo:
        with embedded(settings) as uri:
            yield uri
    else:
        raise SettingsFault([NO_ADDRESS])


def _follow(settings: ListenerSettings, uri: str, stop: Stop) -> Exit:
    keys = Keys.of(key.get_secret_value() for key in settings.admin_keys)
    complaints = Complaints(CLOCK.monotonic)
    with (
        open_source(settings, uri, complaints) as source,
        Store.open(settings.store_dir) as store,
    ):
        daemon, status, requests = make_daemon(
            settings, source, complaints, store, stop
        )
        app = Control(source, status, requests, keys).make_app()
        stop_control = serve_in_background(app, settings.control_port, name="control")
        log.info(
            "listener.started",
            collection=source.namespace,
            store=str(settings.store_dir),
            control=f"127.0.0.1:{settings.control_port}",
            generation=status.served.generation,
        )
        try:
            daemon.run()
        finally:
            stop_control()
        log.info("listener.stopped", generation=status.served.generation)
    return Exit.OK


def _verify(settings: ListenerSettings, uri: str, stop: Stop) -> Exit:
    # only here: scikit-learn takes a second to import, which a restart need not wait
    from listener.verify import Verification, say  # noqa: PLC0415

    complaints = Complaints(CLOCK.monotonic)
    with open_source(settings, uri, complaints) as source:
        reader = StoreReader(settings.store_dir)
        report = Verification(source, reader, to_weights(settings), CLOCK, stop).run()
    say(report)
    return Exit.OK if report.is_equal else Exit.DIFFERS
