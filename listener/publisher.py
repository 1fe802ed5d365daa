"""
From the index to the servers: one publication after the other.
"""

from __future__ import annotations

import math

from dataclasses import dataclass
from typing import Final, Literal

import structlog

from listener.clock import Clock
from listener.feed import Batch
from listener.guard import ShrinkGuard
from listener.model import Model
from listener.schedule import Schedule
from listener.status import NEVER, Served, Status
from listener.trouble import Trouble
from recommender.index import Counts
from recommender.manifest import Manifest
from recommender.position import ClusterTime
from recommender.store import Store


NOTHING: Final = Counts()

Cause = Literal["changes", "rebuild", "restart", "merge"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Shape:
    """
    What a manifest says of how its model came to be.

    Attributes:
        collection: Name of its checkpoint.
        fingerprint: Of the settings that shape it.
    """

    collection: str
    fingerprint: str


@dataclass(slots=True)
class _Unpublished:
    """
    What was applied since the last publication.

    Attributes:
        written_s: Unix time of the oldest write that changed something; None while
            that is not known, as of a rebuilt model, which holds what no event told of.
    """

    cause: Cause
    counts: Counts = NOTHING
    events: int = 0
    written_s: float | None = None
    train_s: float = 0.0


class Publisher:
    """
    Publishes a model when its schedule says so. One thread owns it.
    """

    def __init__(  # noqa: PLR0913 each is one thing it asks
        self,
        store: Store,
        status: Status,
        *,
        schedule: Schedule,
        guard: ShrinkGuard,
        shape: Shape,
        clock: Clock,
    ) -> None:
        self._store = store
        self._status = status
        self._schedule = schedule
        self._guard = guard
        self._shape = shape
        self._clock = clock
        self._floor = NEVER
        self._unpublished = _Unpublished("changes")
        self._trouble = Trouble("publish")

    def hold_until(self, floor: ClusterTime) -> None:
        """
        Publish nothing older than *floor*: answers never go back in time.
        """
        self._floor = floor

    def guard(self, reason: str) -> None:
        """
        Hold a model that was rebuilt for *reason* back if it has shrunk too much.
        """
        visible = self._status.served.visible
        self._guard.watch(reason, visible, self._clock.monotonic())

    def is_guarded(self, model: Model) -> bool:
        """
        Whether the shrink guard holds the model back.
        """
        return self._guard.is_holding(model.index.visible, self._clock.monotonic())

    def note_batch(self, batch: Batch, counts: Counts, train_s: float) -> None:
        """
        Record what a batch changed, and how long applying it took.
        """
        waiting = self._unpublished
        waiting.counts += counts
        waiting.events += batch.events.total()
        waiting.train_s += train_s
        if counts.changes:
            if waiting.written_s is None and waiting.cause != "rebuild":
                waiting.written_s = batch.written_s
            self._schedule.note_change(self._clock.monotonic())

    def note_cause(self, cause: Cause) -> None:
        """
        Ask for a publication for another reason than a batch.

        A rebuilt model holds all that was waiting; a merge is worth no haste.
        """
        if cause == "rebuild":
            self._unpublished = _Unpublished("rebuild")
        elif self._unpublished.cause == "changes":
            self._unpublished.cause = cause
        if cause == "merge":
            self._schedule.note_change(self._clock.monotonic())
        else:
            self._schedule.note_demand()

    def demand(self) -> None:
        """
        Let what waits to be published wait no longer.
        """
        if self._schedule.is_waiting:
            self._schedule.note_demand()

    def wait_s(self, model: Model) -> float:
        """
        Return in how many seconds a publication is due if nothing more comes; infinite
        when none is, or when the model has first to come further.
        """
        if self._is_held(model):
            return math.inf
        return self._schedule.wait_s(self._clock.monotonic())

    @property
    def is_prepared(self) -> bool:
        """
        Whether `prepare` would do nothing.
        """
        return self._store.is_prepared

    def prepare(self) -> None:
        """
        Do what the next publication needs and can be done before there is something to
        publish.
        """
        self._store.prepare()

    def publish_if_due(self, model: Model, *, idle: bool) -> bool:
        """
        Publish if it is time; return whether servers have something new.

        Args:
            idle: Whether nothing more is waiting to be applied.
        """
        now = self._clock.monotonic()
        if self._is_held(model) or not self._schedule.is_due(now, idle=idle):
            return False
        return self._publish(model)

    def publish_rest(self, model: Model) -> None:
        """
        Publish what is waiting, however recent.
        """
        if self._schedule.is_waiting and not self._is_held(model):
            self._publish(model)

    def note_position(self, model: Model) -> None:
        """
        Record that the servers' model is good up to the model's mark, if it is.
        """
        if self._schedule.is_waiting or self._is_held(model):
            return
        served = self._store.advance(
            {self._shape.collection: model.mark.checkpoint}, model.mark.as_of
        )
        if served is not None:
            self._status.served = to_served(served)

    def _is_held(self, model: Model) -> bool:
        return model.mark.as_of < self._floor or self.is_guarded(model)

    def _publish(self, model: Model) -> bool:
        started = self._clock.monotonic()
        try:
            manifest = self._store.publish(
                model.index.freeze(),
                checkpoints={self._shape.collection: model.mark.checkpoint},
                as_of=model.mark.as_of,
                identity=model.identity,
                fingerprint=self._shape.fingerprint,
                products=model.index.products,
                visible=model.index.visible,
                written_s=self._unpublished.written_s,
                now_s=self._clock.wall(),
            )
        except OSError as error:
            self._schedule.note_failure(self._clock.monotonic())
            self._status.metrics.note_publish_failure()
            self._trouble.note_failure(error)
            return False
        self._trouble.note_success()
        self._guard.release()
        now = self._clock.monotonic()
        self._schedule.note_publication(now)
        self._unpublished.train_s += now - started
        self._note_publication(manifest, now - started)
        self._unpublished = _Unpublished("changes")
        self._status.served = to_served(manifest)
        return True

    def _note_publication(self, manifest: Manifest, took_s: float) -> None:
        done = self._unpublished
        written = done.written_s
        delay_s = None if written is None else self._clock.wall() - written
        self._status.metrics.note_publication(
            done.cause, took_s=took_s, delay_s=delay_s
        )
        log.info(
            "model.published",
            cause=done.cause,
            generation=manifest.generation,
            products=manifest.products,
            visible=manifest.visible,
            inserted=done.counts.inserted,
            updated=done.counts.updated,
            deleted=done.counts.deleted,
            unchanged=done.counts.unchanged,
            events=done.events,
            train_ms=round(done.train_s * 1000, 2),
            publish_ms=None if delay_s is None else round(delay_s * 1000, 2),
            segments=len(manifest.segments),
            as_of=manifest.as_of.to_text(),
        )


def to_served(manifest: Manifest) -> Served:
    """
    Return what a manifest serves.
    """
    return Served(
        manifest.generation,
        manifest.as_of,
        manifest.products,
        manifest.visible,
        len(manifest.segments),
    )
