"""
What the listener is doing, for logs, the position file and the control port.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from listener.clock import Clock
from listener.doctor.database import Oplog
from listener.guard import HELD
from listener.lag import BEHIND
from listener.metrics import Metrics
from listener.tally import Tally
from recommender.position import ClusterTime, State


REMINDER_S: Final = 30.0  # how often trouble that goes on is said again
# For so long all must be well before trouble is over. It is longer than the wait between
# two tries, so that what comes back with each of them is one trouble, said once.
STEADY_S: Final = 3.0
NEVER: Final = ClusterTime(0, 0)
TROUBLED: Final = frozenset({State.RETRYING, State.FAILED})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Served:
    """
    The newest publication.

    Attributes:
        generation: Its number; 0 before the first.
        as_of: Every write acknowledged at or before this is in it.
        products: Living products.
        visible: Those that a visitor may see.
        segments: What it consists of.
    """

    generation: int = 0
    as_of: ClusterTime = NEVER
    products: int = 0
    visible: int = 0
    segments: int = 0


@dataclass(frozen=True, slots=True)
class Swept:
    """
    What the background sweep has done since the start.

    Attributes:
        passes: How often it has been through the whole collection.
        checked: Products that were compared.
        unsettled: Products that were not, because they were written meanwhile.
        repaired: Products that differed.
    """

    passes: int = 0
    checked: int = 0
    unsettled: int = 0
    repaired: int = 0


class Status:
    """
    The listener's state. One thread changes it, any may read it.

    Attributes:
        failures: How many there were in the trouble that goes on; 0 when all is well.
        troubles: How many troubles there were, with that one.
        metrics: What is counted and measured as it happens.
        waiting: Products that were written and wait to be read again.
        incomplete: How often a document was found that lacks sense in places.
        durable_as_of: From where the stream is followed again after a crash.
        oplog: What the oplog reaches over; None when that is not known.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.state = State.STARTING
        self.reason = ""
        self.since_s = clock.wall()
        self.served = Served()
        self.swept = Swept()
        self.read_time = NEVER
        self.failures = 0
        self.troubles = 0
        self.last_error = ""
        self.tally = Tally()  # of the scan under way
        self.metrics = Metrics()
        self.waiting = 0
        self.incomplete = 0
        self.durable_as_of = NEVER
        self.oplog: Oplog | None = None
        self._beat_at = clock.monotonic()
        self._said_at = clock.monotonic()
        self._said: set[tuple[State, str]] = set()  # in this trouble
        self._last_said = self.state, self.reason
        self._trouble_since_s = self.since_s
        self._steady_since: float | None = None  # progress, in trouble

    def enter(self, state: State, reason: str = "", **keys: Any) -> None:
        """
        Change the state; a change is one log line, anything else none.

        In trouble each state is said once, and the one that it ends with.
        """
        if (state, reason) == (self.state, self.reason):
            return
        before, self.state, self.reason = self.state, state, reason
        self.since_s = self._clock.wall()
        if not self.failures or (state, reason) not in self._said:
            self._say(before, keys)

    def _say(self, before: State, keys: Mapping[str, Any]) -> None:
        self._last_said = self.state, self.reason
        self._said.add(self._last_said)
        self._said_at = self._clock.monotonic()
        is_loud = self.state in TROUBLED or self.reason in {HELD, BEHIND}
        say = log.warning if is_loud else log.info
        say("listener.state", state=self.state, was=before, reason=self.reason, **keys)

    def note_failure(self, error: Exception) -> None:
        """
        Count a failure; say so again when it has gone on for long.
        """
        now = self._clock.monotonic()
        if not self.failures:
            self.troubles += 1
            self._trouble_since_s = self._clock.wall()
            self._said_at = now
            self._said = {self._last_said} if self.state in TROUBLED else set()
        self.failures += 1
        self.last_error = str(error)
        self._steady_since = None
        if now - self._said_at >= REMINDER_S:
            self._said_at = now
            log.warning(
                "listener.still_failing",
                state=self.state,
                reason=self.reason,
                failures=self.failures,
                since_s=round(self._clock.wall() - self._trouble_since_s, 1),
                error=self.last_error,
            )

    def note_progress(self) -> None:
        """
        Record that the database answers; trouble is over when it has done so for long.
        """
        if not self.failures:
            return
        now = self._clock.monotonic()
        if self._steady_since is None:
            self._steady_since = now
        elif now - self._steady_since >= STEADY_S:
            self._end_trouble()

    def _end_trouble(self) -> None:
        self.failures = 0
        if self._last_said != (self.state, self.reason):
            self._say(self._last_said[0], {})

    def beat(self) -> None:
        """
        Record that the loop turns.
        """
        self._beat_at = self._clock.monotonic()

    @property
    def silence_s(self) -> float:
        """
        How long ago the loop last turned.
        """
        return self._clock.monotonic() - self._beat_at
