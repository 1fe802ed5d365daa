"""
Where to start: from a generation that the store has, or from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import structlog

from listener.feed import Mark
from listener.model import Model
from listener.publisher import Shape, to_served
from listener.status import NEVER, Served
from recommender.errors import StoreCorrupt, StoreEmpty
from recommender.generation import Generation
from recommender.index import Index
from recommender.position import ClusterTime
from recommender.store import CURRENT, Store, StoreReader
from recommender.weights import Weights


FIRST_START: Final = "first_start"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Restored:
    """
    What a store had.

    Attributes:
        model: To go on from; None when there is none that can be used.
        reason: Why there is none.
        served: What servers have.
        floor: How far that is: nothing older may take its place.
        is_behind: Whether servers have something else than the model.
    """

    model: Model | None
    reason: str
    served: Served
    floor: ClusterTime
    is_behind: bool

    @property
    def is_empty(self) -> bool:
        """
        Whether there is nothing at all, neither to go on from nor to serve.
        """
        return self.reason == FIRST_START and self.served.generation == 0


def restore(
    store: Store, reader: StoreReader, weights: Weights, shape: Shape
) -> Restored:
    """
    Return what the store goes on from as a model, if it is one of these settings.

    Raises:
        StoreTooNew: Written by a later Evershelf.
    """
    current = _current(reader)
    served = current or Served()
    try:
        generation = store.load()
    except StoreEmpty:
        return _nothing(FIRST_START, served)
    except StoreCorrupt as error:
        log.warning("store.damaged", error=str(error))
        return _nothing("store_damaged", served)
    manifest = generation.manifest
    if manifest.fingerprint != shape.fingerprint:
        return _nothing("settings_changed", served)
    if shape.collection not in manifest.checkpoints:
        return _nothing("other_collection", served)
    is_behind = current is None or current.generation != manifest.generation
    return Restored(
        model=to_model(generation, weights, shape),
        reason="",
        served=current or to_served(manifest),
        floor=current.as_of if current else manifest.as_of,
        is_behind=is_behind,
    )


def _nothing(reason: str, served: Served) -> Restored:
    return Restored(None, reason, served, NEVER, is_behind=True)


def _current(reader: StoreReader) -> Served | None:
    """
    Return what servers have, and up to when they were told that it is good.
    """
    try:
        served = to_served(reader.read_pointer(CURRENT))
    except (StoreEmpty, StoreCorrupt):
        return None
    position = reader.read_position()
    if position is None or position.generation != served.generation:
        return served
    return replace(served, as_of=max(served.as_of, position.as_of))


def to_model(generation: Generation, weights: Weights, shape: Shape) -> Model:
    """
    Return a generation as what goes on from it.
    """
    manifest = generation.manifest
    return Model(
        index=Index(weights, generation.segments),
        mark=Mark(manifest.checkpoints[shape.collection], manifest.as_of),
        identity=manifest.identity,
    )
