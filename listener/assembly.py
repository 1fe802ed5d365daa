"""
From settings to working parts.
"""

from __future__ import annotations

import os

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from listener.beacon import Beacon
from listener.build import Here, Workshop
from listener.clock import Clock
from listener.complaints import Complaints
from listener.copies.first_copy import FirstCopy
from listener.copies.neighbour import Neighbour
from listener.daemon import Daemon, Parts
from listener.elsewhere import (
    Elsewhere,
    Order,
    open_dask,
    open_pool,
    to_processes,
)
from listener.guard import ShrinkGuard
from listener.keys import to_key
from listener.mapping import fingerprint
from listener.mongo.client import LastReply, connect
from listener.mongo.examination import Examination
from listener.mongo.source import MongoSource
from listener.opening import to_weights
from listener.profile.first_start import FirstStart
from listener.publisher import Publisher, Shape
from listener.rebuild import Rebuild
from listener.rebuilds import Rebuilds, Requests
from listener.remote import Remote
from listener.restore import FIRST_START, restore
from listener.schedule import Policy, Schedule
from listener.scrape import Scrape
from listener.signals import Round
from listener.status import Status
from listener.stretch import StretchReader
from listener.sweep import Sweep
from listener.upkeep import Upkeep
from listener.window import Window
from recommender.product import Product
from recommender.settings import ListenerSettings
from recommender.store import Store, StoreReader
from recommender.supervisor import Supervisor


CLOCK = Clock()


@contextmanager
def open_examination(
    settings: ListenerSettings, uri: str
) -> Iterator[tuple[Examination, MongoSource]]:
    """
    Yield the collection that the settings name as the doctor sees it, and one to
    follow, whose products are bare.

    Raises:
        SettingsFault: The address cannot be right.
    """
    replies = LastReply()
    clients = connect(uri, replies)
    names = {"database": settings.database, "collection": settings.collection}
    try:
        yield (
            Examination(clients, **names),
            MongoSource(
                clients, replies, **names, to_product=_to_bare, look_again=_to_bare
            ),
        )
    finally:
        clients.close()


def _to_bare(document: Mapping[str, Any]) -> Product:
    return Product(key=to_key(document["_id"]))


def to_remote(settings: ListenerSettings) -> Remote:
    """
    Return how to ask the listener that runs with these settings.
    """
    keys = [key.get_secret_value() for key in settings.admin_keys]
    return Remote(settings.control_port, keys[0] if keys else "")


def to_workshop(
    settings: ListenerSettings, uri: str, complaints: Complaints
) -> Workshop:
    """
    Return where models are built from scratch.
    """
    here = Here(to_weights(settings))
    processes = to_processes(settings.build_processes)
    if settings.dask_address:
        executor = partial(open_dask, settings.dask_address)
    elif processes > 1:
        executor = partial(open_pool, processes)
    else:
        return here
    return Elsewhere(Order(settings, uri), complaints, executor, here)


def make_daemon(  # noqa: PLR0913, PLR0917 each is one thing it is made of
    settings: ListenerSettings,
    source: MongoSource,
    workshop: Workshop,
    complaints: Complaints,
    store: Store,
    stop: Round,
) -> tuple[Daemon, Status, Requests]:
    """
    Return a daemon that goes on from what *store* has, what it says of itself, and
    where to ask it for a model trained from scratch.

    Raises:
        StoreTooNew: The store was written by a later Evershelf.
        OSError: What is found out about the documents could not be kept.
    """
    weights = to_weights(settings)
    shape = Shape(settings.collection, fingerprint(settings))
    restored = restore(store, StoreReader(settings.store_dir), weights, shape)
    status = Status(CLOCK)
    status.served = restored.served
    status.metrics.registry.register(Scrape(status))
    policy = Policy(settings.quiet_s, settings.min_interval_s, settings.max_staleness_s)
    guard = ShrinkGuard(settings.shrink_grace_s)
    publisher = Publisher(
        store,
        status,
        schedule=Schedule(policy),
        guard=guard,
        shape=shape,
        clock=CLOCK,
    )
    publisher.hold_until(restored.floor)
    first_start = FirstStart(
        settings,
        sample=source.sample,
        begin_again=stop.end,
        is_new=restored.reason == FIRST_START,
    )
    rebuild = Rebuild(
        source,
        weights,
        CLOCK,
        stop.is_set,
        workshop,
        status.tally,
        first_start.find_out,
        store.keep,
    )
    if settings.neighbour and settings.command == "run" and restored.is_empty:
        place = Neighbour(settings.neighbour, to_remote(settings).key)
        copy = FirstCopy(store, place, weights, shape, CLOCK)
        rebuild = replace(rebuild, copied=copy.model)
    rebuilds = Rebuilds(rebuild)
    requests = Requests()
    if restored.model is None:
        rebuilds.ask(restored.reason)
    elif restored.is_behind:
        publisher.note_cause("restart")
    parts = Parts(
        source=source,
        publisher=publisher,
        upkeep=Upkeep(store, settings.durable_interval_s, CLOCK),
        beacon=Beacon(store, status, CLOCK),
        status=status,
        rebuilds=rebuilds,
        requests=requests,
        sweep=Sweep(
            StretchReader(source, weights), status, CLOCK, per_s=settings.sweep_per_s
        ),
        complaints=complaints,
        window=Window(source.oplog, CLOCK),
        first_start=first_start,
        clock=CLOCK,
        stop=stop,
        supervisor=Supervisor.of(os.environ, CLOCK.monotonic),
    )
    return Daemon(parts, restored.model), status, requests
