"""
`run_listener.py follow`: what another listener publishes, until it is stopped.
"""

from __future__ import annotations

import os

from collections.abc import Callable
from typing import Final

import structlog

from listener.assembly import CLOCK
from listener.beside import Follow, beside
from listener.control import Control
from listener.copies.follower import Follower
from listener.copies.opening import open_place
from listener.copies.pointer import MODEL, ORDERS
from listener.scrape import Scrape
from listener.serving import serve_in_background
from listener.signals import Stop
from listener.status import Status
from recommender.settings import ListenerSettings
from recommender.store import Store
from recommender.supervisor import Supervisor
from server.access import Keys


SETTING: Final = "EVERSHELF_FOLLOW_FROM"

log = structlog.get_logger()


def follow(settings: ListenerSettings, uri: str, stop: Stop) -> None:
    """
    Keep the store equal to what is published at *uri* until told to *stop*; that of the
    orders, too, where the settings name some.

    Raises:
        SettingsFault: The address cannot be right.
        StoreTooNew: The store was written by a later Evershelf.
        RecommenderError: Another process holds the store, or it cannot be made.
        OSError: The control port is taken.
    """
    status = Status(CLOCK)
    status.metrics.registry.register(Scrape(status))
    with (
        open_place(uri, MODEL, setting=SETTING, clock=CLOCK) as place,
        Store.open(settings.store_dir) as store,
    ):
        orders = Status(CLOCK) if settings.orders_collection else None
        stop_control = _serve(settings, status, orders)
        log.info(
            "follower.started",
            place=place.name,
            store=str(settings.store_dir),
            control=f"127.0.0.1:{settings.control_port}",
        )
        supervisor = Supervisor.of(os.environ, CLOCK.monotonic)
        try:
            with beside(_orders(settings, uri, orders), stop):
                Follower(store, place, status, CLOCK, stop, supervisor).run()
        finally:
            stop_control()
        log.info("follower.stopped", generation=status.served.generation)


def _serve(
    settings: ListenerSettings, status: Status, orders: Status | None
) -> Callable[[], None]:
    keys = Keys.of(key.get_secret_value() for key in settings.admin_keys)
    metrics_keys = Keys.of(key.get_secret_value() for key in settings.metrics_keys)
    control = Control(None, status, None, keys, dict, metrics_keys, orders)
    return serve_in_background(
        control.make_app(), settings.control_port, name="control"
    )


def _orders(
    settings: ListenerSettings, uri: str, status: Status | None
) -> Follow | None:
    if status is None:
        return None

    def follow_orders(stop: Stop) -> None:
        with (
            open_place(uri, ORDERS, setting=SETTING, clock=CLOCK) as place,
            Store.open(settings.orders_dir) as store,
        ):
            supervisor = Supervisor(monotonic=CLOCK.monotonic)
            Follower(store, place, status, CLOCK, stop, supervisor).run()

    return follow_orders
