"""
Whether the queue is there, said once when that changes.
"""

from __future__ import annotations

from typing import Final

import structlog

from listener.clock import Clock


REMINDER_S: Final = 30.0  # between two lines that say the same of its server
REMEDY: Final = (
    "start the server of EVERSHELF_QUEUE_URL, or let it write; the listener follows on"
)

log = structlog.get_logger()


class Pulse:
    """
    Told by who asks the queue's server again and again.

    Attributes:
        is_lost: Whether it did not answer the last time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lost_at = 0.0
        self._said_at = -REMINDER_S
        self.is_lost = False

    def note_lost(self, error: Exception) -> None:
        """
        Record that it does not answer, or takes no writes.
        """
        if not self.is_lost:
            self.is_lost = True
            self._lost_at = self._clock.monotonic()
            log.warning("queue.lost", error=_to_text(error), remedy=REMEDY)

    def note_found(self) -> None:
        """
        Record that it takes writes.
        """
        if self.is_lost:
            self.is_lost = False
            away_s = self._clock.monotonic() - self._lost_at
            log.info("queue.found", away_s=round(away_s, 1))

    def note_fault(self, error: Exception) -> None:
        """
        Record what the library says of single commands.
        """
        now = self._clock.monotonic()
        if not self.is_lost and now - self._said_at >= REMINDER_S:
            self._said_at = now
            log.warning("queue.fault", error=_to_text(error))


def _to_text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
