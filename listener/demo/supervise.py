"""
Several programs run until told to stop; one that ends by itself is started again.
"""

from __future__ import annotations

import time

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import structlog

from listener.demo.errors import DemoFault
from listener.signals import Stop
from recommender.exits import Exit


# What no restart mends: somebody has to change something first.
FINAL: Final = frozenset({Exit.SETTINGS, Exit.REFUSED})
RESTARTS: Final = 5  # in a row; one that keeps ending is broken
LASTED_S: Final = 60.0  # after so long, an end is the first in a row again
FIRST_DELAY_S: Final = 0.5
STOP_S: Final = 4.5  # Ctrl+C promises five
LAST_S: Final = 2.0  # of these, for the part that the others need
TICK_S: Final = 0.05

log = structlog.get_logger()


class Part(Protocol):
    """
    Something that runs beside this process.
    """

    @property
    def name(self) -> str:
        """
        What people call it.
        """

    def start(self) -> None:
        """
        Start it, for the first time or again, unless it runs.

        Raises:
            DemoFault: It cannot be started.
        """

    def exit_code(self) -> int | None:
        """
        Return how it ended by itself; None while it runs.
        """

    def ask_to_stop(self) -> None:
        """
        Let it stop in its own time, beside the others.
        """

    def stop(self, *, timeout_s: float) -> None:
        """
        Wait until it has stopped, but not much longer than *timeout_s*; end it then.
        """


def supervise(
    parts: Sequence[Part],
    stop: Stop,
    *,
    on_tick: Callable[[float], None] = lambda _now: None,
    first_delay_s: float = FIRST_DELAY_S,
) -> Exit:
    """
    Start *parts* in order, run them until *stop* is set or one of them is beyond help,
    and stop them in reverse.

    Args:
        parts: One that others need comes before them.
        stop: Set by a signal.
        on_tick: Called with the time again and again while they run; it must be quick.
        first_delay_s: Before the first restart; it doubles with each in a row.

    Returns:
        OK when it was stopped; the code of the part that is beyond help, or
        UNAVAILABLE when that has no code of ours.
    """
    watched = [_Watched(part, first_delay_s) for part in parts]
    try:
        for one in watched:
            one.part.start()
        while not stop.is_set():
            for one in watched:
                code = one.look(time.monotonic())
                if code is not None:
                    return code
            on_tick(time.monotonic())
            stop.wait(TICK_S)
        return Exit.OK
    finally:
        _stop_all(parts)


class _Watched:
    """
    A part, and how often it has ended lately.
    """

    def __init__(self, part: Part, first_delay_s: float) -> None:
        self.part = part
        self._first_delay_s = first_delay_s
        self._ends = 0
        self._started_at = time.monotonic()
        self._restart_at: float | None = None

    def look(self, now: float) -> Exit | None:
        """
        Start the part again when it is time to; return a code when nothing helps.
        """
        if self._restart_at is not None:
            return self._restart(now) if now >= self._restart_at else None
        code = self.part.exit_code()
        return None if code is None else self._note_end(code, now)

    def _note_end(self, code: int, now: float) -> Exit | None:
        if code in FINAL:
            log.error("demo.ended", part=self.part.name, code=code)
            return Exit(code)
        self._ends = 1 if now - self._started_at > LASTED_S else self._ends + 1
        if self._ends > RESTARTS:
            log.error("demo.given_up", part=self.part.name, code=code)
            return Exit.UNAVAILABLE
        delay_s = self._first_delay_s * 2.0 ** (self._ends - 1)
        log.warning(
            "demo.restarting", part=self.part.name, code=code, in_s=round(delay_s, 2)
        )
        self._restart_at = now + delay_s
        return None

    def _restart(self, now: float) -> Exit | None:
        self._restart_at = None
        self._started_at = now
        try:
            self.part.start()
        except DemoFault as error:
            log.error("demo.not_restarted", part=self.part.name, error=str(error))
            return self._note_end(Exit.UNAVAILABLE, now)
        return None


def _stop_all(parts: Sequence[Part]) -> None:
    until = time.monotonic() + STOP_S
    for part in reversed(parts):
        part.ask_to_stop()
    for part in reversed(parts):
        kept_s = 0 if part is parts[0] else LAST_S
        part.stop(timeout_s=max(until - kept_s - time.monotonic(), 0))
