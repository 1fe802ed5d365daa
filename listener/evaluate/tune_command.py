"""
`run_listener.py evaluate --tune`: how much orders should count, from the shop's past.
"""

from __future__ import annotations

from typing import Final

import structlog

from rich.console import Console

from listener.assembly import CLOCK
from listener.evaluate.keeping import keep
from listener.evaluate.past import read_orders, split, usable
from listener.evaluate.reading import read_collection, train
from listener.evaluate.table import rounded, tuned_table
from listener.evaluate.tuning import Tuned, tune
from recommender.effective import ENVIRONMENT, origins_of
from recommender.errors import SettingsFault
from recommender.exits import Exit
from recommender.logs import is_for_people
from recommender.settings import (
    DOTENV,
    ListenerSettings,
    ServerSettings,
    load_settings,
    settings_file,
    to_variable,
)


SHARE: Final = "orders_share"
NO_ORDERS: Final = (
    "--tune learns from orders, and EVERSHELF_ORDERS_COLLECTION names none: see "
    "docs/orders.md"
)
NO_DATES: Final = (
    "--tune learns from earlier orders what later ones hold: set EVERSHELF_ORDERS_DATE"
)
NO_FILE: Final = "--tune reads the collections of products and orders: name no file"

log = structlog.get_logger()


def tune_share(settings: ListenerSettings, uri: str) -> Exit:
    """
    Find out with which share of the orders `recommended` foretells the newest orders
    best; show it beside the one in effect, and put it into the settings file if it is
    surely better. `Exit.UNTUNED` when too few orders are there to say.

    Raises:
        SettingsFault: A setting or the file cannot be used, or there is nothing to ask.
        ListenerError: The database cannot be read.
        OSError: The settings file cannot be written.
    """
    server = load_settings(ServerSettings, [])
    _check(settings)
    catalogue = train(settings, read_collection(settings, uri))
    orders = read_orders(settings, uri)
    dated = usable(orders)
    sales = split(catalogue, dated) if dated else None
    tuned = tune(sales, server.orders_share, CLOCK) if sales else None
    if sales is None or tuned is None:
        log.error(
            "tune.impossible",
            products=len(catalogue),
            orders=len(orders),
            dated=len(dated),
        )
        return Exit.UNTUNED
    _show(settings, tuned)
    difference = tuned.beside.difference
    log.info(
        "tune.done",
        learnt=sales.orders.visible,
        foretold=len(sales.later),
        asked=tuned.reporting,
        present=tuned.present,
        chosen=tuned.chosen,
        difference=rounded(difference.mean),
        low=rounded(difference.low),
        high=rounded(difference.high),
        p=rounded(tuned.beside.p),
        written=_keep(tuned, server) if tuned.is_better else "",
    )
    return Exit.OK


def _check(settings: ListenerSettings) -> None:
    faults = (
        (NO_ORDERS, not settings.orders_collection),
        (NO_DATES, not settings.orders_date),
        (NO_FILE, settings.file is not None),
    )
    if found := [fault for fault, is_there in faults if is_there]:
        raise SettingsFault(found)


def _show(settings: ListenerSettings, tuned: Tuned) -> None:
    if is_for_people(settings.log_format):
        Console(highlight=False).print(tuned_table(tuned))
        return
    for share, value in tuned.by_share.items():
        log.info("tune.measured", share=share, ndcg=rounded(value))


def _keep(tuned: Tuned, server: ServerSettings) -> str:
    """
    Write the chosen share; return where, or an empty string when that would be in vain.
    """
    place = origins_of(server, []).get(SHARE)
    if place in {ENVIRONMENT, str(DOTENV)}:
        log.warning(
            "tune.overruled",
            setting=to_variable(ServerSettings, SHARE),
            place=place,
            present=tuned.present,
            chosen=tuned.chosen,
        )
        return ""
    path = settings_file()
    keep(path, SHARE, tuned.chosen)
    return str(path)
