"""
What the store publishes, published elsewhere, too: for hosts that serve and do not build.
"""

from __future__ import annotations

import contextvars
import random

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import structlog

from listener.clock import Clock
from listener.copies.place import NotYet, Outlet, PlaceFault
from listener.status import Status
from listener.trouble import Trouble
from recommender.backoff import LONGEST_REFUSED_S, LONGEST_S, delay_s
from recommender.manifest import Manifest
from recommender.position import Position, State
from recommender.store import Store


BEAT_S: Final = 1.0  # followers take five times this for silence
WAIT_S: Final = 1.0  # until another publisher is asked for again
GARBAGE_S: Final = 60.0
PARTING_S: Final = 5.0  # for the last generation to travel
SENDING: Final = "sending"
REMEDY: Final = (
    "look at what EVERSHELF_PUBLISH_TO names, and what its user may do there"
)

log = structlog.get_logger()


class _Parting(Exception):  # noqa: N818 nothing went wrong
    """
    There is no more time to send anything.
    """


class Pusher:
    """
    Publishes each generation of a store to an outlet, in a thread: it takes as long as
    the network takes. Meanwhile generations may be left out, never the last one.

    One thread calls it. What goes wrong there is never in that one's way.
    """

    def __init__(
        self, store: Store, outlet: Outlet, status: Status, clock: Clock
    ) -> None:
        self._store = store
        self._outlet = outlet
        self._status = status
        self._clock = clock
        self._worker = ThreadPoolExecutor(1, "push")
        self._running: Future[None] | None = None
        self._trouble = Trouble("push", REMEDY)
        self._is_waiting = False  # for another publisher
        self._next_at = clock.monotonic()
        self._part_at: float | None = None
        # of the generation that is there, if it is ours; the worker's, while it runs
        self._said: Position | None = None
        self._said_at = clock.monotonic()
        self._collected_at = clock.monotonic()

    def tend(self) -> None:
        """
        Start and finish what is due.
        """
        if self._running is not None:
            if not self._running.done():
                return
            self._finish(self._running)
            self._running = None
        manifest = self._store.current
        if manifest is not None and self._is_due(manifest):
            # what every line of the caller's log says, the worker's say, too
            context = contextvars.copy_context()
            self._running = self._worker.submit(context.run, self._push, manifest)

    def close(self) -> None:
        """
        Let the last generation travel, if it does so quickly, and tell followers that
        this one stops.
        """
        self._part_at = self._clock.monotonic() + PARTING_S
        self._worker.shutdown()
        manifest = self._store.current
        is_well = not self._trouble.failures and self._status.state is not State.FAILED
        if manifest is None or not is_well:
            return
        try:
            if self._running is not None:
                self._running.result()  # what went wrong just now is not tried again
            self._push(manifest)
        except NotYet:
            pass  # another speaks there: nothing is left
        except (PlaceFault, OSError, _Parting) as error:
            log.warning("push.left", error=str(error), generation=manifest.generation)
        except Exception:
            log.exception("push.crashed")

    def _is_due(self, manifest: Manifest) -> bool:
        now = self._clock.monotonic()
        if now < self._next_at:
            return False
        said = self._said
        return (
            said is None
            or said.generation != manifest.generation
            or (said.state, said.reason) != (self._status.state, self._status.reason)
            or now - self._said_at >= BEAT_S
        )

    def _push(self, manifest: Manifest) -> None:
        position = self._position(manifest)
        if self._said is not None and self._said.generation == manifest.generation:
            self._outlet.say(position)
        else:
            self._publish(manifest, position)
        self._note_said(position)
        now = self._clock.monotonic()
        # not at the end: who takes over may need what is old here
        if self._part_at is None and now - self._collected_at >= GARBAGE_S:
            self._collected_at = now
            self._outlet.collect_garbage(now)

    def _publish(self, manifest: Manifest, position: Position) -> None:
        started = self._clock.monotonic()
        sent = self._outlet.publish(
            manifest, position, self._store.open_segment, self._pulse
        )
        took_s = self._clock.monotonic() - started
        self._status.metrics.note_push(took_s)
        log.info(
            "model.pushed",
            to=self._outlet.name,
            generation=manifest.generation,
            sent=sent,
            took_s=round(took_s, 3),
            as_of=manifest.as_of.to_text(),
        )

    def _pulse(self) -> None:
        """
        Tell followers, while segments travel, that newer writes are on their way.
        """
        now = self._clock.monotonic()
        if self._part_at is not None and now > self._part_at:
            msg = "there was no more time"
            raise _Parting(msg)
        said = self._said
        if said is None or now - self._said_at < BEAT_S:
            return
        position = replace(
            said,
            state=State.CATCHING_UP,
            reason=SENDING,
            read_time=self._status.read_time,
            written_at_s=self._clock.wall(),
        )
        self._outlet.say(position)
        self._note_said(position)

    def _note_said(self, position: Position) -> None:
        self._said, self._said_at = position, self._clock.monotonic()

    def _position(self, manifest: Manifest) -> Position:
        status = self._status
        return Position(
            state=status.state,
            reason=status.reason,
            generation=manifest.generation,
            as_of=manifest.as_of,
            read_time=max(status.read_time, manifest.as_of),
            written_at_s=self._clock.wall(),
        )

    def _finish(self, done: Future[None]) -> None:
        try:
            done.result()
        except NotYet as error:
            self._wait(error)
        except (PlaceFault, OSError) as error:
            self._retry(error, LONGEST_S)
        except Exception as error:
            log.exception("push.crashed")
            self._retry(error, LONGEST_REFUSED_S)
        else:
            self._trouble.note_success()
            self._is_waiting = False

    def _wait(self, error: NotYet) -> None:
        if not self._is_waiting:
            log.info("push.waiting", to=self._outlet.name, reason=str(error))
        self._is_waiting = True
        self._said = None
        self._next_at = self._clock.monotonic() + WAIT_S

    def _retry(self, error: Exception, longest_s: float) -> None:
        self._status.metrics.note_push_failure()
        self._trouble.note_failure(error)
        wait_s = delay_s(self._trouble.failures, random.random(), longest_s)  # noqa: S311
        self._next_at = self._clock.monotonic() + wait_s
