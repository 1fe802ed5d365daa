"""
The served model against the collection that the settings name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import structlog

from listener.assembly import CLOCK, to_spread
from listener.build import Check
from listener.complaints import Complaints
from listener.mongo.source import MongoSource
from listener.opening import open_orders, open_source, to_weights
from listener.progress import Show, shown
from listener.reading import ReadElsewhere, ReadHere, Reading
from listener.spread import never, to_processes
from listener.verify import PATIENCE_S, Report, Verification
from recommender.order import ORDER_WEIGHTS
from recommender.settings import ListenerSettings
from recommender.store import StoreReader
from recommender.weights import Weights


WORTH: Final = 3  # processes: two save no more than passing products on costs

log = structlog.get_logger()


def prove(
    settings: ListenerSettings, uri: str, show: Show = shown, check: Check = never
) -> Report:
    """
    Compare the store with the collection at the address *uri*, and *show* how much of
    that has been read.

    Args:
        check: Called while other processes read; raises to end them.

    Raises:
        ListenerError: The database cannot be read or followed.
        RecommenderError: There is no model, or it cannot be loaded.
    """
    complaints = Complaints(CLOCK.monotonic)
    with open_source(settings, uri, complaints) as source:
        reading = to_reading(settings, uri, complaints, check)
        weights = to_weights(settings)
        return _compare(settings, source, settings.store_dir, weights, show, reading)


def to_reading(
    settings: ListenerSettings,
    uri: str,
    complaints: Complaints,
    check: Check = never,
) -> Reading:
    """
    Return how the collection is read: as models are built, by the same processes, if
    that is quicker.
    """
    here, spread = ReadHere(to_weights(settings)), to_spread(settings, uri)
    processes = to_processes(settings.build_processes)
    if spread is None or not (settings.dask_address or processes >= WORTH):
        return here
    return ReadElsewhere(spread, complaints, here, check)


def prove_orders(settings: ListenerSettings, uri: str, show: Show = shown) -> Report:
    """
    Do the same with the orders that the settings name.
    """
    with open_orders(settings, uri) as source:
        reading = ReadHere(ORDER_WEIGHTS)
        return _compare(
            settings, source, settings.orders_dir, ORDER_WEIGHTS, show, reading
        )


def _compare(  # noqa: PLR0913, PLR0917 each is one thing that a comparison takes
    settings: ListenerSettings,
    source: MongoSource,
    store: Path,
    weights: Weights,
    show: Show,
    reading: Reading,
) -> Report:
    log.info("verify.started", collection=source.namespace, store=str(store))
    return Verification(
        source,
        StoreReader(store),
        weights,
        CLOCK,
        # a debounce may keep the model behind for so long, as it was told to
        patience_s=PATIENCE_S + settings.max_staleness_s,
        show=show,
        reading=reading,
    ).run()
