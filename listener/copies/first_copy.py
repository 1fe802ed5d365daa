"""
A first start that copies a neighbour's model instead of training one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from listener.clock import Clock
from listener.copies.fetch import fetch
from listener.copies.place import Place, PlaceFault
from listener.model import Model
from listener.publisher import Shape
from listener.restore import to_model
from recommender.errors import RecommenderError
from recommender.generation import Generation
from recommender.manifest import Manifest
from recommender.store import Store
from recommender.weights import Weights


OF_OTHER_SETTINGS: Final = "its model is shaped by other settings"
OF_ANOTHER_COLLECTION: Final = "its model is one of another collection"

log = structlog.get_logger()


class FirstCopy:
    """
    Gives an empty store a neighbour's model, once. One thread at a time asks.
    """

    def __init__(
        self, store: Store, place: Place, weights: Weights, shape: Shape, clock: Clock
    ) -> None:
        self._store = store
        self._place = place
        self._weights = weights
        self._shape = shape
        self._clock = clock
        self._is_asked = False
        self._copied: Generation | None = None

    def model(self, identity: str, check: Callable[[], None]) -> Model | None:
        """
        Return the model to go on from; None when there is none to be had, which the log
        explains. Asked again, it answers the same until another has been published.

        Args:
            identity: Of the collection that is followed; a model of another is refused.
            check: Called meanwhile; what it raises ends the copy.
        """
        if not self._is_asked:
            self._copied = self._copy(identity, check)
            self._is_asked = True
        copied, current = self._copied, self._store.current
        if copied is None or current is None:
            return None
        manifest = copied.manifest
        if current.generation != manifest.generation or manifest.identity != identity:
            return None
        return to_model(copied, self._weights, self._shape)

    def _copy(self, identity: str, check: Callable[[], None]) -> Generation | None:
        def accept(manifest: Manifest) -> None:
            if manifest.identity != identity:
                raise PlaceFault(OF_ANOTHER_COLLECTION)
            if self._shape.collection not in manifest.checkpoints:
                raise PlaceFault(OF_ANOTHER_COLLECTION)
            if manifest.fingerprint != self._shape.fingerprint:
                raise PlaceFault(OF_OTHER_SETTINGS)

        name, started = self._place.name, self._clock.monotonic()
        log.info("copy.started", neighbour=name)
        try:
            copied = fetch(self._store, self._place, accept=accept, check=check)
        except (PlaceFault, RecommenderError, OSError) as error:
            log.warning("copy.failed", neighbour=name, error=str(error))
            return None
        log.info(
            "copy.done",
            neighbour=name,
            generation=copied.manifest.generation,
            products=copied.manifest.products,
            bytes=sum(ref.size for ref in copied.manifest.segments),
            took_s=round(self._clock.monotonic() - started, 2),
        )
        return copied
