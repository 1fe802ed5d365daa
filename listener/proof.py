"""
The served model against the collection that the settings name.
"""

from __future__ import annotations

import structlog

from listener.assembly import CLOCK
from listener.complaints import Complaints
from listener.opening import open_source, to_weights
from listener.progress import Show, shown
from listener.verify import PATIENCE_S, Report, Verification
from recommender.settings import ListenerSettings
from recommender.store import StoreReader


log = structlog.get_logger()


def prove(settings: ListenerSettings, uri: str, show: Show = shown) -> Report:
    """
    Compare the store with the collection at the address *uri*, and *show* how much of
    that has been read.

    Raises:
        ListenerError: The database cannot be read or followed.
        RecommenderError: There is no model, or it cannot be loaded.
    """
    complaints = Complaints(CLOCK.monotonic)
    with open_source(settings, uri, complaints) as source:
        log.info(
            "verify.started",
            collection=source.namespace,
            store=str(settings.store_dir),
        )
        return Verification(
            source,
            StoreReader(settings.store_dir),
            to_weights(settings),
            CLOCK,
            # a debounce may keep the model behind for so long, as it was told to
            patience_s=PATIENCE_S + settings.max_staleness_s,
            show=show,
        ).run()
