"""
What has happened so far, told by any thread.
"""

from __future__ import annotations

import threading
import time

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Journal:
    """
    Counts by subject and kind, a diary, and failures, the first of which ends the run.

    Attributes:
        over: Set when nothing more should be begun.
    """

    def __init__(self) -> None:
        self.over = threading.Event()
        self._began_at = time.monotonic()
        self._diary: list[str] = []
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._failures: list[str] = []

    def count(self, subject: str, kind: str, times: int = 1) -> None:
        """
        Count something.
        """
        with self._lock:
            self._counts[subject][kind] += times

    def note_most(self, subject: str, kind: str, value: int) -> None:
        """
        Keep the largest value.
        """
        with self._lock:
            counts = self._counts[subject]
            counts[kind] = max(counts[kind], value)

    @contextmanager
    def noted(self, subject: str, kind: str) -> Iterator[None]:
        """
        Count what happens within this context, and write when into the diary.
        """
        self.write(f"{kind} begins")
        yield
        self.write(f"{kind} is over")
        self.count(subject, kind)

    def write(self, what: str) -> None:
        """
        Put a line into the diary.
        """
        with self._lock:
            self._write(what)

    def fail(self, what: str) -> None:
        """
        Record what must not be.
        """
        with self._lock:
            self._failures.append(what)
            self._write(what)
        self.over.set()

    @property
    def diary(self) -> tuple[str, ...]:
        """
        What happened, each with the seconds since the beginning.
        """
        with self._lock:
            return tuple(self._diary)

    @property
    def failures(self) -> tuple[str, ...]:
        """
        All of them, in order.
        """
        with self._lock:
            return tuple(self._failures)

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """
        By subject and kind, the most frequent first.
        """
        with self._lock:
            return {
                subject: dict(counts.most_common())
                for subject, counts in sorted(self._counts.items())
            }

    def _write(self, what: str) -> None:
        self._diary.append(f"{time.monotonic() - self._began_at:9.3f} {what}")
