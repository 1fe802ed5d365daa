"""
How many requests one caller may make.

The generic cell rate algorithm (ITU-T I.371): a bucket that holds a minute's worth and
fills evenly, kept as one number for each caller. (The package `limits` has windows
only, which let twice as much through where two meet; it reads the clock itself, and
keeps a thread.)
"""

from __future__ import annotations

import math

from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from typing import Final, NamedTuple, Protocol


WINDOW_S: Final = 60
MOST_CALLERS: Final = 100_000  # remembered; some ten megabytes


class Left(NamedTuple):
    """
    What a caller has left.

    Attributes:
        is_allowed: Whether this request is.
        remaining: How many more at once.
        full_in_s: Until all may be used again.
        retry_in_s: Until the next is allowed; 0 when it is.
    """

    is_allowed: bool
    remaining: int
    full_in_s: float
    retry_in_s: float


class Times(Protocol):
    """
    A time for each caller that is remembered.
    """

    def turn_of(self, caller: str) -> AbstractContextManager[None]:
        """
        Keep others from reading or writing a caller's time meanwhile.
        """

    def read(self, caller: str) -> float | None:
        """
        Return a caller's time; None when none is known.
        """

    def write(self, caller: str, time_s: float) -> None:
        """
        Keep a caller's time; of too many callers, the longest silent is forgotten.
        """


class OwnTimes:
    """
    Those of one process.
    """

    def __init__(self) -> None:
        self._times: OrderedDict[str, float] = OrderedDict()

    def turn_of(self, _caller: str) -> AbstractContextManager[None]:
        """
        Nobody else reads or writes.
        """
        return nullcontext()

    def read(self, caller: str) -> float | None:
        """
        Return a caller's time; None when none is known.
        """
        return self._times.get(caller)

    def write(self, caller: str, time_s: float) -> None:
        """
        Keep a caller's time; of too many callers, the longest silent is forgotten.
        """
        self._times[caller] = time_s
        self._times.move_to_end(caller)
        if len(self._times) > MOST_CALLERS:
            self._times.popitem(last=False)


class Pace:
    """
    So many requests a minute for each caller.
    """

    def __init__(self, per_minute: int, full_at_s: Times | None = None) -> None:
        """
        Args:
            full_at_s: When each caller's bucket is full again; by default this
                process's own.
        """
        self.per_minute = per_minute
        self._interval_s = WINDOW_S / per_minute
        self._full_at_s = full_at_s or OwnTimes()

    def take(self, caller: str, now_s: float) -> Left:
        """
        Count a request of *caller*; one that is not allowed counts nothing.

        Args:
            now_s: The time, on a clock that never goes back.
        """
        with self._full_at_s.turn_of(caller):
            before_s = max(self._full_at_s.read(caller) or now_s, now_s)
            full_at_s = before_s + self._interval_s
            late_s = full_at_s - now_s - WINDOW_S
            is_allowed = late_s <= self._interval_s * 1e-6
            kept_s = full_at_s if is_allowed else before_s
            self._full_at_s.write(caller, kept_s)
        used_s = kept_s - now_s
        remaining = math.floor((WINDOW_S - used_s) / self._interval_s + 1e-6)
        return Left(is_allowed, remaining, used_s, 0.0 if is_allowed else late_s)
