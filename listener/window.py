"""
How far back the oplog reaches: a listener that stays away for longer starts anew.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from listener.background import in_background
from listener.clock import Clock
from listener.doctor.database import Oplog
from listener.errors import ListenerError


EVERY_S: Final = 60.0


class Window:
    """
    Looks at the oplog now and then, beside the loop.

    Attributes:
        oplog: What it reached over when last looked at; None when that is not known.
    """

    def __init__(self, ask: Callable[[], Oplog | None], clock: Clock) -> None:
        """
        Look by *ask*, which returns None where the oplog may not be read; then it is
        not asked again.
        """
        self.oplog: Oplog | None = None
        self._ask = ask
        self._clock = clock
        self._next_at = clock.monotonic()
        self._asking: Future[Oplog | None] | None = None
        self._is_readable = True

    def tend(self) -> None:
        """
        Take what was seen; look again when it is time. One thread calls it.
        """
        if self._asking is not None:
            if self._asking.done():
                self._take(self._asking)
                self._asking = None
        elif self._is_readable and self._clock.monotonic() >= self._next_at:
            self._next_at = self._clock.monotonic() + EVERY_S
            self._asking = in_background(self._ask, "oplog-window")

    def _take(self, done: Future[Oplog | None]) -> None:
        try:
            self.oplog = done.result()
        except ListenerError:
            self.oplog = None  # the loop says so, too, and more
        else:
            self._is_readable = self.oplog is not None
