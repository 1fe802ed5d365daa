"""
A model trained from scratch, aside, while the last good one serves.

The position is taken before the first read, so that whatever is written during the
scan is read again after it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import structlog

from listener.background import in_background
from listener.build import Workshop, to_rows
from listener.clock import Clock
from listener.errors import PositionLost
from listener.feed import Batch, Feed, Mark, Source
from listener.model import Model
from listener.progress import shown
from listener.tally import Tally
from recommender import allocator
from recommender.bulk import join_segments
from recommender.index import Index
from recommender.segment import Later, Segment
from recommender.weights import Weights


PULSE_S: Final = 0.25

log = structlog.get_logger()


class Interrupted(Exception):  # noqa: N818 nothing went wrong
    """
    The process was asked to stop.
    """


Copied = Callable[[str, Callable[[], None]], Model | None]


def copy_nothing(_identity: str, _check: Callable[[], None]) -> None:
    """
    Copy no model: one is trained.
    """


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """
    A model, and the open feed that keeps it current.
    """

    model: Model
    feed: Feed


@dataclass(frozen=True, slots=True)
class Rebuild:
    """
    Scans a source; any thread may run it.

    Attributes:
        is_stopping: Whether to give up.
        workshop: Where the segments are built.
        tally: Counts what is scanned.
        prepare: Called before anything is read.
        keep: Takes the segment that was built; returns it, maybe as a file has it.
        copied: Returns a model to go on from instead of reading the collection whose
            identity is given, if there is one; calls the other argument meanwhile.
    """

    source: Source
    weights: Weights
    clock: Clock
    is_stopping: Callable[[], bool]
    workshop: Workshop
    tally: Tally = field(default_factory=Tally)
    prepare: Callable[[], None] = lambda: None
    keep: Callable[[Segment], Segment] = lambda segment: segment
    copied: Copied = copy_nothing

    def run(self) -> Rebuilt:
        """
        Return the model of what is in the collection now.

        Raises:
            Interrupted: It was told to stop.
            Unreachable: Try again later.
            PositionLost: The collection was replaced meanwhile: begin again.
            Refused: The database does not allow it.
        """
        started = self.clock.monotonic()
        self.prepare()
        self._check()
        with ExitStack() as stack:
            identity = self.source.identity()
            model, feed = self._resumed(identity) or self._trained(identity)
            stack.push(feed)
            if self.source.identity() != identity:
                reason = "collection_replaced"
                raise PositionLost(reason)
            stack.pop_all()
        log.info(
            "rebuild.done",
            products=model.index.products,
            visible=model.index.visible,
            took_s=round(self.clock.monotonic() - started, 2),
        )
        return Rebuilt(model, feed)

    def _resumed(self, identity: str) -> tuple[Model, Feed] | None:
        """
        Return a copied model that has caught up; None when there is none, or nothing
        leads on from it.
        """
        model = self.copied(identity, self._check)
        if model is None:
            return None
        try:
            with ExitStack() as stack:
                feed = stack.enter_context(self.source.follow(model.mark.checkpoint))
                self._catch_up(model, feed)
                stack.pop_all()
        except PositionLost as error:
            log.warning("position.lost", reason=error.reason, error=str(error))
            return None
        return model, feed

    def _trained(self, identity: str) -> tuple[Model, Feed]:
        with ExitStack() as stack:
            feed = stack.enter_context(self.source.follow(None))
            early, mark = self._take_position(feed)
            model = Model(self._scan(), mark, identity)
            for batch in early:
                model.absorb(batch)
            self._catch_up(model, feed)
            stack.pop_all()
        return model, feed

    def _take_position(self, feed: Feed) -> tuple[list[Batch], Mark]:
        """
        Return what the feed says first, up to its first mark: it is open from there.
        """
        early = []
        while True:
            batch = self._take(feed)
            if batch is not None:
                early.append(batch)
                if batch.reached is not None:
                    return early, batch.reached

    def _scan(self) -> Index:
        total = self.source.count()
        log.info("scan.started", total=total)
        ranges = self.source.split(to_rows(total))
        built = self.workshop.build(self.source, ranges, self._check)
        counted = self.tally.counted(built, total)
        segments = list(shown(counted, total=total, task="scan", clock=self.clock))
        self._check()
        whole = self.keep(join_segments(segments, _beside))
        segments.clear()
        allocator.return_free()
        return Index(self.weights, [whole])

    def _catch_up(self, model: Model, feed: Feed) -> None:
        """
        Follow until all that was written before the end of the scan is in.
        """
        end = self.source.now()
        while model.mark.as_of < end:
            batch = self._take(feed)
            if batch is not None:
                model.absorb(batch)

    def _take(self, feed: Feed) -> Batch | None:
        self._check()
        return feed.take(PULSE_S)

    def _check(self) -> None:
        if self.is_stopping():
            raise Interrupted


def _beside(pack: Later) -> Later:
    """
    Begin to pack what pages show: the processes that built are done, and one processor
    of two has nothing to do.
    """
    return in_background(pack, "pack").result
