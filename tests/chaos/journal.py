"""
What has happened so far, told by any thread.
"""

from __future__ import annotations

import threading

from collections import Counter, defaultdict
from collections.abc import Mapping


class Journal:
    """
    Counts by subject and kind, and failures, the first of which ends the run.

    Attributes:
        over: Set when nothing more should be begun.
    """

    def __init__(self) -> None:
        self.over = threading.Event()
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

    def fail(self, what: str) -> None:
        """
        Record what must not be.
        """
        with self._lock:
            self._failures.append(what)
        self.over.set()

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
