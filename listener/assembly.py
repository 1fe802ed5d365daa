"""
From settings to working parts.
"""

from __future__ import annotations

import os

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from listener.beacon import Beacon
from listener.build import Here, Workshop
from listener.clock import Clock
from listener.cluster import open_dask
from listener.complaints import Complaints
from listener.copies.first_copy import FirstCopy
from listener.copies.neighbour import Neighbour
from listener.copies.place import Outlet
from listener.copies.pusher import Pusher
from listener.daemon import Daemon, Parts
from listener.elsewhere import Elsewhere
from listener.guard import ShrinkGuard
from listener.keys import to_key
from listener.mapping import fingerprint
from listener.mongo.client import connected
from listener.mongo.examination import Examination
from listener.mongo.source import MongoSource
from listener.opening import to_weights
from listener.orders import orders_fingerprint
from listener.pool import open_pool
from listener.profile.first_start import FirstStart, NothingToFind
from listener.publisher import Publisher, Shape
from listener.rebuild import Copied, Rebuild, copy_nothing
from listener.rebuilds import Rebuilds, Requests
from listener.references import to_lookups
from listener.remote import Remote
from listener.restore import FIRST_START, Restored, restore
from listener.schedule import Policy, Schedule
from listener.scrape import Scrape
from listener.signals import Round, Stop
from listener.spread import Order, Spread, to_processes
from listener.status import Status
from listener.stretch import StretchReader
from listener.sweep import Sweep
from listener.upkeep import Upkeep
from listener.values.references import Names
from listener.window import Window
from recommender.order import ORDER_WEIGHTS
from recommender.product import Product
from recommender.settings import ListenerSettings
from recommender.store import Store, StoreReader
from recommender.supervisor import Supervisor
from recommender.weights import Weights


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
    names: dict[str, Any] = {
        "database": settings.database,
        "collection": settings.collection,
        "lookups": to_lookups(settings),
    }
    with connected(uri) as (clients, replies):
        yield (
            Examination(clients, **names),
            MongoSource(
                clients, replies, **names, to_product=_to_bare, look_again=_to_bare
            ),
        )


def _to_bare(document: Mapping[str, Any], _names: Names) -> Product:
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
    here, spread = Here(to_weights(settings)), to_spread(settings, uri)
    return here if spread is None else Elsewhere(spread, complaints, here)


def to_spread(settings: ListenerSettings, uri: str) -> Spread | None:
    """
    Return the other processes that read the collection; None when none do.
    """
    if settings.dask_address:
        executor = partial(open_dask, settings.dask_address)
    elif has_pool(settings):
        executor = partial(open_pool, to_processes(settings.build_processes))
    else:
        return None
    return Spread(Order(settings, uri), executor)


def has_pool(settings: ListenerSettings) -> bool:
    """
    Return whether they are processes of this host.
    """
    return not settings.dask_address and to_processes(settings.build_processes) > 1


def make_daemon(  # noqa: PLR0913, PLR0917 each is one thing it is made of
    settings: ListenerSettings,
    source: MongoSource,
    workshop: Workshop,
    complaints: Complaints,
    store: Store,
    stop: Round,
    outlet: Outlet | None = None,
) -> tuple[Daemon, Status, Requests]:
    """
    Return a daemon that goes on from what *store* has, what it says of itself, and
    where to ask it for a model trained from scratch.

    Args:
        outlet: Where else its generations are published.

    Raises:
        StoreTooNew: The store was written by a later Evershelf.
        OSError: What is found out about the documents could not be kept.
    """
    weights = to_weights(settings)
    shape = Shape(settings.collection, fingerprint(settings))
    restored = restore(store, StoreReader(settings.store_dir), weights, shape)
    first_start = FirstStart(
        settings,
        sample=source.sample,
        look_up=source.look_up,
        begin_again=stop.end,
        is_new=restored.reason == FIRST_START,
    )
    status, requests = Status(CLOCK), Requests()
    status.metrics.registry.register(Scrape(status))
    daemon = _make_daemon(
        settings,
        _Followed(
            source=source,
            workshop=workshop,
            store=store,
            restored=restored,
            shape=shape,
            weights=weights,
            find_out=first_start.find_out,
            copied=_to_copied(settings, store, weights, shape, restored),
            first_start=first_start,
            supervisor=Supervisor.of(os.environ, CLOCK.monotonic),
            outlet=outlet,
        ),
        status,
        requests,
        complaints,
        stop,
    )
    return daemon, status, requests


def make_orders_daemon(  # noqa: PLR0913, PLR0917 each is one thing it is made of
    settings: ListenerSettings,
    source: MongoSource,
    store: Store,
    status: Status,
    requests: Requests,
    stop: Stop,
    outlet: Outlet | None = None,
) -> Daemon:
    """
    Return a daemon that keeps the model of orders in *store* equal to the collection,
    says what it does by *status*, and is asked by *requests*, which may have been those
    of one before.

    Raises:
        StoreTooNew: The store was written by a later Evershelf.
    """
    requests.begin_again()
    shape = Shape(settings.orders_collection, orders_fingerprint(settings))
    reader = StoreReader(settings.orders_dir)
    return _make_daemon(
        settings,
        _Followed(
            source=source,
            workshop=Here(ORDER_WEIGHTS),
            store=store,
            restored=restore(store, reader, ORDER_WEIGHTS, shape),
            shape=shape,
            weights=ORDER_WEIGHTS,
            find_out=_find_nothing_out,
            copied=copy_nothing,
            first_start=NothingToFind(),
            supervisor=Supervisor(monotonic=CLOCK.monotonic),
            outlet=outlet,
        ),
        status,
        requests,
        Complaints(CLOCK.monotonic),
        stop,
    )


def _find_nothing_out() -> None:
    pass


def _to_copied(
    settings: ListenerSettings,
    store: Store,
    weights: Weights,
    shape: Shape,
    restored: Restored,
) -> Copied:
    """
    Return how a model is copied instead of trained, if a neighbour is to be asked.
    """
    if not (settings.neighbour and settings.command == "run" and restored.is_empty):
        return copy_nothing
    place = Neighbour(settings.neighbour, to_remote(settings).key)
    return FirstCopy(store, place, weights, shape, CLOCK).model


@dataclass(frozen=True, slots=True)
class _Followed:
    """
    What tells one followed collection from another.
    """

    source: MongoSource
    workshop: Workshop
    store: Store
    restored: Restored
    shape: Shape
    weights: Weights
    find_out: Callable[[], None]
    copied: Copied
    first_start: FirstStart | NothingToFind
    supervisor: Supervisor
    outlet: Outlet | None


def _to_pusher(store: Store, outlet: Outlet | None, status: Status) -> Pusher | None:
    return None if outlet is None else Pusher(store, outlet, status, CLOCK)


def _make_daemon(  # noqa: PLR0913, PLR0917 each is one thing it works with
    settings: ListenerSettings,
    followed: _Followed,
    status: Status,
    requests: Requests,
    complaints: Complaints,
    stop: Stop,
) -> Daemon:
    restored, source = followed.restored, followed.source
    status.served = restored.served
    policy = Policy(settings.quiet_s, settings.min_interval_s, settings.max_staleness_s)
    guard = ShrinkGuard(settings.shrink_grace_s)
    publisher = Publisher(
        followed.store,
        status,
        schedule=Schedule(policy),
        guard=guard,
        shape=followed.shape,
        clock=CLOCK,
    )
    publisher.hold_until(restored.floor)
    rebuilds = Rebuilds(
        Rebuild(
            source,
            followed.weights,
            CLOCK,
            stop.is_set,
            followed.workshop,
            status.tally,
            followed.find_out,
            followed.store.keep,
            followed.copied,
        )
    )
    if restored.model is None:
        rebuilds.ask(restored.reason)
    elif restored.is_behind:
        publisher.note_cause("restart")
    parts = Parts(
        source=source,
        publisher=publisher,
        upkeep=Upkeep(
            followed.store,
            settings.durable_interval_s,
            CLOCK,
            _to_pusher(followed.store, followed.outlet, status),
        ),
        beacon=Beacon(followed.store, status, CLOCK),
        status=status,
        rebuilds=rebuilds,
        requests=requests,
        sweep=Sweep(
            StretchReader(source, followed.weights),
            status,
            CLOCK,
            per_s=settings.sweep_per_s,
        ),
        complaints=complaints,
        window=Window(source.oplog, CLOCK),
        first_start=followed.first_start,
        clock=CLOCK,
        stop=stop,
        supervisor=followed.supervisor,
    )
    return Daemon(parts, restored.model)
