"""
What comes again and again, and need not be said each time.
"""

from __future__ import annotations

import threading

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final


WINDOW_S: Final = 30.0
MOST: Final = 10  # in that time; enough to see whether they are alike
KINDS: Final = 1_000  # remembered; of places in code there are fewer


@dataclass(slots=True)
class _Seen:
    since_s: float
    said: int = 0
    skipped: int = 0


class Repeats:
    """
    Lets `MOST` of a kind pass in `WINDOW_S`; any thread may ask.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, kind: Hashable, now_s: float) -> int | None:
        """
        Return how many of a *kind* were skipped since the last that was not, or None
        when this one is skipped, too.

        Args:
            now_s: The time, on a clock that never goes back.
        """
        with self._lock:
            seen = self._seen.setdefault(kind, _Seen(now_s))
            self._seen.move_to_end(kind)
            if len(self._seen) > KINDS:
                self._seen.popitem(last=False)
            if now_s - seen.since_s >= WINDOW_S:
                seen.since_s, seen.said = now_s, 0
            if seen.said >= MOST:
                seen.skipped += 1
                return None
            seen.said += 1
            skipped, seen.skipped = seen.skipped, 0
            return skipped
