"""
What the store needs now and then, beside the publications.
"""

from __future__ import annotations

import math

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final
from weakref import ref

from listener.clock import Clock
from listener.copies.pusher import Pusher
from listener.model import Model
from listener.trouble import Trouble
from recommender import allocator
from recommender.index import Index, Merge
from recommender.manifest import Manifest
from recommender.segment import Segment
from recommender.store import Store


# A quiet collection's position moves on all the same; losing that costs little.
IDLE_DURABLE_S: Final = 30.0
GARBAGE_S: Final = 10.0


class Upkeep:
    """
    Durable copies, garbage, merges, and publications elsewhere. One thread calls it; slow
    work runs beside.
    """

    def __init__(
        self,
        store: Store,
        durable_interval_s: float,
        clock: Clock,
        pusher: Pusher | None = None,
    ) -> None:
        self._durable = _Durable(store, durable_interval_s, clock)
        self._merges = _Merges(store)
        self._pusher = pusher
        self._store = store
        self._clock = clock
        self._collected_at = clock.monotonic()
        self._garbage = Trouble("garbage")

    def tend(self, model: Model, *, idle: bool = True) -> bool:
        """
        Start and finish what is due; return whether there is something to publish.

        Args:
            idle: Whether nothing more is waiting to be applied: most merges wait for
                that.
        """
        self._durable.tend()
        if self._pusher is not None:
            self._pusher.tend()
        now = self._clock.monotonic()
        if now - self._collected_at >= GARBAGE_S:
            self._collected_at = now
            self._collect_garbage(now)
        return self._merges.tend(model.index, idle=idle)

    @property
    def durable(self) -> Manifest | None:
        """
        What a crash of the host falls back to, as far as is known.
        """
        return self._durable.newest

    def _collect_garbage(self, now: float) -> None:
        try:
            self._store.collect_garbage(now)
        except OSError as error:
            self._garbage.note_failure(error)
        else:
            self._garbage.note_success()

    def close(self) -> None:
        """
        Make everything durable, and stop.
        """
        self._merges.close()
        self._durable.close()
        if self._pusher is not None:
            self._pusher.close()


class _Durable:
    """
    Renews the durable pointer, in a thread: it takes as long as the disk takes.
    """

    def __init__(self, store: Store, interval_s: float, clock: Clock) -> None:
        self._store = store
        self._interval_s = interval_s
        self._clock = clock
        self._worker = ThreadPoolExecutor(1, "durable")
        self._running: Future[Manifest | None] | None = None
        self.newest = store.durable
        # A first model does not wait; one that cannot be kept waits like any other.
        self._written_at = clock.monotonic() if self.newest else -math.inf
        self._trouble = Trouble("durable")

    def tend(self) -> None:
        if self._running is not None:
            if self._running.done():
                self._finish(self._running)
                self._running = None
        elif self._is_due(self._clock.monotonic()):
            self._running = self._worker.submit(self._store.make_durable)

    def close(self) -> None:
        self._worker.shutdown()
        try:
            self._store.make_durable(final=True)
        except OSError as error:
            self._trouble.note_failure(error)

    def _is_due(self, now: float) -> bool:
        current, durable = self._store.current, self.newest
        if current is None or current == durable:
            return False
        is_new = durable is None or current.generation != durable.generation
        interval_s = self._interval_s if is_new else IDLE_DURABLE_S
        return now - self._written_at >= interval_s

    def _finish(self, done: Future[Manifest | None]) -> None:
        self._written_at = self._clock.monotonic()
        error = done.exception()
        if error is None:
            self._trouble.note_success()
            self.newest = done.result()
        elif isinstance(error, OSError):
            self._trouble.note_failure(error)
        else:
            raise error


class _Merges:
    """
    Runs the merges that an index asks for, in a thread, one at a time.

    What was merged stays until the merge is published. Only then is its memory free, and
    given back: the C library alone would keep it, since some of it lies below what is
    still in use.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._worker = ThreadPoolExecutor(1, "merge")
        self._running: tuple[Index, Merge, Future[Segment]] | None = None
        self._leaving: list[ref[Segment]] = []

    def tend(self, index: Index, *, idle: bool) -> bool:
        """
        Return whether a merge has come into the index.
        """
        if self._leaving and all(segment() is None for segment in self._leaving):
            self._leaving.clear()
            self._worker.submit(allocator.return_free)
        if self._running is not None:
            return self._running[2].done() and self._finish(index)
        merge = index.merge_due(idle=idle)
        if merge is not None:
            self._running = index, merge, self._worker.submit(self._run, merge)
        return False

    def close(self) -> None:
        self._worker.shutdown(cancel_futures=True)

    def _run(self, merge: Merge) -> Segment:
        return self._store.keep(merge.run())

    def _finish(self, index: Index) -> bool:
        if self._running is None:
            return False
        merged_index, merge, done = self._running
        self._running = None
        self._leaving += [ref(part.segment) for part in merge.parts]
        if merged_index is not index:
            return False  # another model has taken its place
        index.adopt(merge, done.result())
        return True
