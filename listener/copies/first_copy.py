"""
A first start that copies a neighbour's model instead of training one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from weakref import ref

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
from recommender.segment import Segment
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
        self._manifest: Manifest | None = None  # of what was copied
        # The store holds them until another generation is published; from then on the
        # copy is of no use, and would keep files from being freed that are removed.
        self._segments: list[ref[Segment]] = []

    def model(self, identity: str, check: Callable[[], None]) -> Model | None:
        """
        Return the model to go on from; None when there is none to be had, which the log
        explains. Asked again, it answers the same until another has been published.

        Args:
            identity: Of the collection that is followed; a model of another is refused.
            check: Called meanwhile; what it raises ends the copy.
        """
        copied = self._again() if self._is_asked else self._copy(identity, check)
        self._is_asked = True
        if copied is None or copied.manifest.identity != identity:
            return None
        return to_model(copied, self._weights, self._shape)

    def _again(self) -> Generation | None:
        """
        Return what was copied, as long as it is what the store has.
        """
        manifest, current = self._manifest, self._store.current
        if manifest is None or current is None:
            return None
        held = (segment() for segment in self._segments)
        segments = tuple(segment for segment in held if segment is not None)
        is_whole = len(segments) == len(self._segments)
        if current.generation != manifest.generation or not is_whole:
            return None
        return Generation(manifest, segments)

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
        self._manifest = copied.manifest
        self._segments = list(map(ref, copied.segments))
        log.info(
            "copy.done",
            neighbour=name,
            generation=copied.manifest.generation,
            products=copied.manifest.products,
            bytes=sum(segment.size for segment in copied.manifest.segments),
            took_s=round(self._clock.monotonic() - started, 2),
        )
        return copied
