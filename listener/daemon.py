"""
The loop: follow, apply, publish; and when that fails, try again or rebuild aside.
"""

from __future__ import annotations

import random

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from listener.beacon import Beacon
from listener.clock import Clock
from listener.complaints import Complaints
from listener.errors import ListenerError, PositionLost, Refused, Unreachable
from listener.feed import Batch, Feed, Source
from listener.guard import HELD, REQUESTED
from listener.lag import BEHIND, Lag
from listener.model import Model
from listener.profile.first_start import FirstStart, NothingToFind
from listener.publisher import Publisher
from listener.rebuild import PULSE_S, Interrupted, Rebuilt
from listener.rebuilds import FIRST_LOOK, Rebuilds, Requests
from listener.signals import Stop
from listener.status import NEVER, Status
from listener.sweep import Sweep
from listener.upkeep import Upkeep
from listener.window import Window
from recommender.backoff import (
    LONGEST_REBUILD_S,
    LONGEST_REFUSED_S,
    LONGEST_S,
    delay_s,
)
from recommender.mutation import Delete, Mutation
from recommender.position import ClusterTime, State
from recommender.supervisor import Supervisor


REPLACED: Final = "collection_replaced"
PAUSE_S: Final = 0.005  # without a batch, until the next publication is prepared
LOOK_EVERY_S: Final = 5.0  # when a look has found too little, or could not be had

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What the loop works with.
    """

    source: Source
    publisher: Publisher
    upkeep: Upkeep
    beacon: Beacon
    status: Status
    rebuilds: Rebuilds
    requests: Requests
    sweep: Sweep
    complaints: Complaints
    window: Window
    first_start: FirstStart | NothingToFind
    clock: Clock
    stop: Stop
    supervisor: Supervisor


class Daemon:
    """
    Keeps a store equal to a collection until it is told to stop.
    """

    def __init__(self, parts: Parts, model: Model | None) -> None:
        """
        Start from *model*; without one a rebuild must be due.
        """
        self._parts = parts
        self._status = parts.status
        self._model = model
        self._feed: Feed | None = None
        self._is_lost = model is None  # whether no checkpoint leads on
        self._is_rescue = False  # whether the last rebuild began when that was so
        self._is_idle = True  # whether nothing more is waiting to be applied
        self._target = NEVER  # what must be in before this counts as following
        self._is_open = False  # whether the feed has said where it is
        self._lag = Lag()
        self._has_followed = False
        self._is_swapped = False  # and not yet published
        self._retry_at = 0.0
        self._rebuild_at = 0.0
        self._look_at = 0.0
        self._last_loss = (0, "")  # in which trouble, and why
        self._rebuild_failures = 0  # in a row, of those without which one can do

    def run(self) -> None:
        """
        Follow until told to stop.

        Raises:
            Refused: The database does not allow it, and never did.
        """
        self._parts.supervisor.ready()
        try:
            while not self._parts.stop.is_set():
                self.turn()
        except BaseException as error:
            self._status.enter(State.FAILED, type(error).__name__, error=str(error))
            raise
        else:
            self._status.enter(State.STOPPING)
        finally:
            if not self._parts.stop.is_over:
                self._parts.supervisor.stopping()
            self.close()

    def turn(self) -> None:
        """
        Do what is due; takes no longer than a pulse and a batch.

        Raises:
            Refused: The database does not allow it, and never did.
        """
        self._guarded_follow()
        if self._model is not None:
            self._tend(self._model)
        self._parts.beacon.tend()
        self._parts.complaints.pulse()
        self._parts.window.tend()
        self._tell_figures()
        self._status.beat()
        self._parts.supervisor.feed()

    def _tell_figures(self) -> None:
        """
        Record what nobody but a scrape asks for.
        """
        status, durable = self._status, self._parts.upkeep.durable
        status.waiting = 0 if self._feed is None else self._feed.waiting
        status.incomplete = self._parts.complaints.total
        status.oplog = self._parts.window.oplog
        if durable is not None:
            status.durable_as_of = durable.as_of

    def _guarded_follow(self) -> None:
        try:
            self._follow()
        except Unreachable as error:
            self._retry("unreachable", error, LONGEST_S)
        except PositionLost as error:
            self._lose(error)
        except Refused as error:
            if not self._has_followed:
                raise
            self._retry("refused", error, LONGEST_REFUSED_S)
        except Interrupted:
            pass  # the loop ends

    def _follow(self) -> None:
        left_s = self._retry_at - self._parts.clock.monotonic()
        if left_s > 0:
            self._parts.stop.wait(min(left_s, PULSE_S))
            return
        self._tend_rebuild()
        if self._model is not None and self._feed is not None:
            self._step(self._model, self._feed)
        elif self._model is not None and not self._is_lost:
            self._connect(self._model)
        else:
            self._parts.rebuilds.wait(PULSE_S)

    def _tend_rebuild(self) -> None:
        if self._parts.requests.is_waiting and not self._is_served_soon:
            self._parts.rebuilds.ask(REQUESTED)
        if self._parts.rebuilds.is_startable:
            if not self._may_rebuild():
                return
            self._is_rescue = self._is_lost
        if self._parts.rebuilds.is_due and self._is_lost:
            is_first = self._status.served.generation == 0
            state = State.SCANNING if is_first else State.REBUILDING
            self._status.enter(state, self._parts.rebuilds.reason)
        reason = self._parts.rebuilds.reason
        try:
            rebuilt = self._parts.rebuilds.tend()
        except ListenerError as error:
            if self._is_lost:
                raise
            self._postpone_rebuild(error)
            return
        if rebuilt is not None:
            self._swap(rebuilt, reason)

    def _may_rebuild(self) -> bool:
        if not self._is_lost:
            now = self._parts.clock.monotonic()
            return self._feed is not None and now >= self._rebuild_at
        if self._status.failures:
            self._parts.source.now()  # not to begin, and say so, before it answers
        return True

    def _postpone_rebuild(self, error: ListenerError) -> None:
        """
        Try again later; meanwhile the model at hand is followed on.
        """
        self._rebuild_failures += 1
        self._status.metrics.note_rebuild_failure()
        luck = random.random()  # noqa: S311
        wait_s = delay_s(self._rebuild_failures, luck, LONGEST_REFUSED_S)
        self._rebuild_at = self._parts.clock.monotonic() + wait_s
        log.warning("rebuild.failed", error=str(error), again_in_s=round(wait_s, 1))

    @property
    def _is_served_soon(self) -> bool:
        """
        Whether a rebuilt model is about to be published: not one that the shrink guard
        holds back, for which whoever asks now vouches.
        """
        if self._model is None or not self._is_swapped:
            return False
        return not self._parts.publisher.is_guarded(self._model)

    def _swap(self, rebuilt: Rebuilt, reason: str) -> None:
        """
        Let a model that was built aside take the place of the one before.

        That one may have been followed further meanwhile, until something went wrong,
        too. But one that lost its position before the rebuild began may be of a
        database that is gone, whose time means nothing.
        """
        if self._is_rescue:
            self._parts.publisher.hold_until(NEVER)
        elif not self._is_swapped:
            self._parts.publisher.hold_until(self._status.served.as_of)
        self._disconnect()
        self._model, self._feed = rebuilt.model, rebuilt.feed
        self._is_open = True
        self._await(rebuilt.model.mark.as_of)
        self._is_lost = False
        self._rebuild_failures = 0
        self._is_swapped = True
        self._parts.requests.note_rebuilt()
        self._status.metrics.note_rebuild(reason)
        self._parts.publisher.guard(reason)
        self._parts.publisher.note_cause("rebuild")

    def _connect(self, model: Model) -> None:
        """
        Go on from where the model is.
        """
        source = self._parts.source
        if source.identity() != model.identity:
            raise PositionLost(REPLACED)
        self._await(source.now())
        feed = source.follow(model.mark.checkpoint)
        self._feed = feed.__enter__()  # left by `_disconnect`

    def _await(self, target: ClusterTime) -> None:
        """
        Count as following once all up to *target*, the database's time, is in.
        """
        self._target = self._status.read_time = target
        self._lag.forget()

    def _step(self, model: Model, feed: Feed) -> None:
        publisher = self._parts.publisher
        longest_s = PULSE_S if publisher.is_prepared else PAUSE_S
        batch = feed.take(min(longest_s, publisher.wait_s(model)))
        self._is_idle = batch is None or batch.is_last
        if batch is not None:
            self._apply(model, batch)
        else:
            publisher.prepare()
        repairs = self._parts.sweep.tend(model)
        if repairs is not None:
            self._apply(model, repairs)

    def _tend(self, model: Model) -> None:
        """
        Publish what is applied, whether or not the database answers.
        """
        parts = self._parts
        self._look_when_due(model)
        if parts.requests.take_demands(model.mark.as_of):
            parts.publisher.demand()
        is_published = parts.publisher.publish_if_due(model, idle=self._is_idle)
        if is_published and self._is_swapped:
            self._is_swapped = False
            parts.requests.fulfil(self._status.served)
        if parts.upkeep.tend(model, idle=self._is_idle):
            parts.publisher.note_cause("merge")
            self._status.metrics.note_merge()
        parts.publisher.note_position(model)
        if self._is_open:
            self._tell_state(model)

    def _look_when_due(self, model: Model) -> None:
        now = self._parts.clock.monotonic()
        is_due = self._parts.first_start.is_due_with(model.index.products)
        if is_due and now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            self._parts.rebuilds.ask(FIRST_LOOK)

    def _tell_state(self, model: Model) -> None:
        if self._parts.publisher.is_guarded(model):
            before = self._status.served.visible
            visible = model.index.visible
            self._status.enter(State.REBUILDING, HELD, visible=visible, before=before)
        elif model.mark.as_of >= self._target:
            self._has_followed = True
            self._tell_lag(model.mark.as_of)

    def _tell_lag(self, as_of: ClusterTime) -> None:
        now = self._parts.clock.monotonic()
        self._lag.note(as_of, self._status.read_time, now)
        if self._lag.is_late(as_of, now):
            self._status.enter(State.CATCHING_UP, BEHIND, position=as_of.to_text())
        else:
            self._status.enter(State.FOLLOWING)

    def _apply(self, model: Model, batch: Batch) -> None:
        clock = self._parts.clock
        started = clock.monotonic()
        if batch.mutations and not model.index.products:
            # It may have come into being just now; had it been another one before, the
            # feed would end.
            model.identity = self._parts.source.identity()
        self._note_answer(model, batch)
        counts = model.absorb(batch)
        self._parts.sweep.note(batch.mutations)
        self._forget_deleted(batch.mutations)
        took_s = clock.monotonic() - started
        self._parts.publisher.note_batch(batch, counts, took_s)
        self._status.metrics.note_batch(batch, counts, model.mark.as_of, took_s)
        self._status.read_time = batch.read_time

    def _note_answer(self, model: Model, batch: Batch) -> None:
        """
        Record that the database answers; that of a stream that cannot be opened says
        nothing, so that trouble that goes on stays one state.
        """
        self._is_open |= batch.reached is not None
        self._status.note_progress()
        if self._status.state in {State.STARTING, State.RETRYING}:
            position = model.mark.as_of.to_text()
            self._status.enter(State.CATCHING_UP, "resumed", position=position)

    def _forget_deleted(self, mutations: Iterable[Mutation]) -> None:
        for mutation in mutations:
            if isinstance(mutation, Delete):
                self._parts.complaints.forget(mutation.key)

    def _lose(self, error: PositionLost) -> None:
        """
        Rebuild; after a while when that is no way out of the trouble.
        """
        self._disconnect()
        self._is_lost = True
        self._status.note_failure(error)
        self._status.metrics.note_loss(error.reason)
        loss = self._status.troubles, error.reason
        if loss[0] == self._last_loss[0]:
            self._pause(LONGEST_REBUILD_S)
        if loss != self._last_loss:
            log.warning("position.lost", reason=error.reason, error=str(error))
        self._last_loss = loss
        self._parts.rebuilds.ask(error.reason)

    def _retry(self, reason: str, error: ListenerError, longest_s: float) -> None:
        self._disconnect()
        remedy = {"remedy": error.remedy} if isinstance(error, Refused) else {}
        self._status.enter(State.RETRYING, reason, error=str(error), **remedy)
        self._status.note_failure(error)
        self._pause(longest_s)

    def _pause(self, longest_s: float) -> None:
        wait_s = delay_s(self._status.failures, random.random(), longest_s)  # noqa: S311
        self._retry_at = self._parts.clock.monotonic() + wait_s

    def _disconnect(self) -> None:
        if self._feed is not None:
            self._feed.__exit__(None, None, None)
            self._feed = None
            self._is_idle = True
            self._is_open = False

    def close(self) -> None:
        """
        Publish what is applied, and make it durable.

        After a defect nothing more is published: who knows what is in the model.
        """
        self._parts.beacon.tend()
        self._parts.rebuilds.close()
        self._parts.sweep.close()
        self._disconnect()
        if self._model is not None and self._status.state is not State.FAILED:
            self._parts.publisher.publish_rest(self._model)
        self._parts.upkeep.close()
        self._parts.complaints.close()
