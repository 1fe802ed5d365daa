"""
Times during which something is excused.
"""

from __future__ import annotations

import math
import threading
import time

from collections.abc import Iterator
from contextlib import contextmanager


class Windows:
    """
    Opened by any thread, several at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0
        self._ended_at = -math.inf

    @contextmanager
    def opened(self) -> Iterator[None]:
        """
        Excuse what happens within this context.
        """
        with self._lock:
            self._open += 1
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                self._ended_at = time.monotonic()

    def was_open(self, since: float) -> bool:
        """
        Return whether one was, at any moment from *since*, on the monotonic clock, on.
        """
        with self._lock:
            return self._open > 0 or self._ended_at >= since
