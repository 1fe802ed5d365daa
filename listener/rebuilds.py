"""
The rebuild under way, beside the loop, and who waits for it.
"""

from __future__ import annotations

import threading

from concurrent.futures import Future, wait
from typing import Final

import structlog

from listener.background import in_background
from listener.guard import REQUESTED
from listener.rebuild import Rebuild, Rebuilt
from listener.status import Served
from recommender.position import ClusterTime


# There are enough documents to find out what they have.
FIRST_LOOK: Final = "first_look"

log = structlog.get_logger()


class Rebuilds:
    """
    Runs a rebuild when one is due; one at a time. The loop's thread tends it.
    """

    def __init__(self, rebuild: Rebuild) -> None:
        self._rebuild = rebuild
        self.reason = ""  # why one is due; empty: none is
        self._running: Future[Rebuilt | None] | None = None

    @property
    def is_due(self) -> bool:
        """
        Whether one is wanted or under way.
        """
        return bool(self.reason)

    @property
    def is_startable(self) -> bool:
        """
        Whether one is wanted and none is under way.
        """
        return self.is_due and self._running is None

    def ask(self, reason: str) -> None:
        """
        Ask for one; the reason of the first who asks counts.

        A reason that nobody wished for outweighs a request: the shrink guard trusts
        what was requested. For `FIRST_LOOK` nothing is rebuilt: either the model is good
        as it is, or the look ends this round, and the next one begins with a rebuild. So
        any other reason outweighs it, also while it is under way.
        """
        is_outweighed = self.reason == REQUESTED and reason != FIRST_LOOK
        if is_outweighed or self.reason in {"", FIRST_LOOK}:
            self.reason = reason

    def tend(self) -> Rebuilt | None:
        """
        Start what is due; return what is done, once; None of a look.

        Raises:
            ListenerError: The rebuild failed; it is still due.
        """
        if not self.reason:
            return None
        if self._running is None:
            self._running = self._begin()
        if not self._running.done():
            return None
        done, self._running = self._running, None
        rebuilt = done.result()
        if rebuilt is not None or self.reason == FIRST_LOOK:
            self.reason = ""
        return rebuilt

    def _begin(self) -> Future[Rebuilt | None]:
        if self.reason == FIRST_LOOK:
            return in_background(self._rebuild.prepare, "first-look")
        log.info("rebuild.started", reason=self.reason)
        return in_background(self._rebuild.run, "rebuild")

    def wait(self, timeout_s: float) -> None:
        """
        Wait until the one under way is done, but not longer than *timeout_s*.
        """
        wait([self._running] if self._running else [], timeout_s)

    def close(self) -> None:
        """
        Let go of the one under way, now or when it is done.
        """
        if self._running is not None:
            self._running.add_done_callback(_let_go)
            self._running = None


def _let_go(done: Future[Rebuilt | None]) -> None:
    rebuilt = None if done.exception() else done.result()
    if rebuilt is not None:
        rebuilt.feed.__exit__(None, None, None)


class Requests:
    """
    Who waits for a model trained from scratch, or for a publication that the schedule
    would put off; any thread may ask.
    """

    def __init__(self) -> None:
        self._waiting: list[Future[Served]] = []
        self._rebuilt: list[Future[Served]] = []  # who waits for no more than its turn
        self._demands: set[ClusterTime] = set()
        self._lock = threading.Lock()

    def ask(self) -> Future[Served]:
        """
        Return what will be served once a rebuild has been published.
        """
        future: Future[Served] = Future()
        with self._lock:
            self._waiting.append(future)
        return future

    @property
    def is_waiting(self) -> bool:
        """
        Whether anybody waits for a rebuild.
        """
        return bool(self._waiting)

    def note_rebuilt(self) -> None:
        """
        Record that there is a model for all who wait; only its publication is missing.
        """
        with self._lock:
            self._rebuilt += self._waiting
            self._waiting = []

    def begin_again(self) -> None:
        """
        Record that what was rebuilt and not yet published is gone with its daemon.
        """
        with self._lock:
            self._waiting += self._rebuilt
            self._rebuilt = []

    def fulfil(self, served: Served) -> None:
        """
        Tell all who wait.
        """
        with self._lock:
            waiting = self._rebuilt + self._waiting
            self._waiting, self._rebuilt = [], []
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(served)

    def demand(self, written: ClusterTime) -> None:
        """
        Ask for what was written up to a time to be published once it is applied.
        """
        with self._lock:
            self._demands.add(written)

    def take_demands(self, as_of: ClusterTime) -> bool:
        """
        Forget the demands that a model which has come to *as_of* meets; return whether
        there were any.
        """
        with self._lock:
            met = {written for written in self._demands if written <= as_of}
            self._demands -= met
        return bool(met)
