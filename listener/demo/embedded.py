"""
The demo's own database, started when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from pymongo import MongoClient

from listener.demo.binary import find_mongod
from listener.demo.folder import Folder, demo_folder
from listener.demo.loader import load_sample
from listener.demo.mongod import Mongod
from listener.demo.preflight import require_runnable
from listener.demo.replica_set import to_uri
from recommender.settings import ListenerSettings


# Enough to follow a day of play after a restart; the default is a part of the disk.
OPLOG_MB: Final = 256

log = structlog.get_logger()


@contextmanager
def embedded(settings: ListenerSettings, *, is_stocked: bool = True) -> Iterator[str]:
    """
    Yield the address of the demo's database.

    It is the running one when the demo runs already, and otherwise one that runs only
    meanwhile.

    Args:
        settings: Whose data folder holds the database.
        is_stocked: Whether to put the sample catalogue into an empty collection.

    Raises:
        DemoFault: No mongod can be run here.
    """
    folder = Folder(demo_folder(settings))
    lease = folder.lease()
    if lease is not None and folder.is_run():
        yield to_uri(lease.port, settings.database)
        return
    with make_demo_mongod(settings) as mongod:
        uri = to_uri(mongod.port, settings.database)
        if is_stocked:
            stock(settings, uri)
        yield uri


def make_demo_mongod(settings: ListenerSettings) -> Mongod:
    """
    Return the demo's mongod, not started yet.

    Raises:
        DemoFault: No mongod can be run here.
    """
    folder = demo_folder(settings)
    binary = find_mongod(settings.mongod, aside=folder / "bin")
    require_runnable(binary)
    options = [f"--oplogSize={OPLOG_MB}"]
    return Mongod(binary, folder, port=settings.demo_port, options=options)


def stock(settings: ListenerSettings, uri: str) -> None:
    """
    Put the sample catalogue into the demo's collection if that is empty.
    """
    with MongoClient[dict[str, Any]](uri) as client:
        loaded = load_sample(client[settings.database][settings.collection])
    if loaded:
        log.info("demo.sample_loaded", products=loaded)
