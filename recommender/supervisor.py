"""
What a process tells the service manager that started it, by the protocol of
sd_notify(3): that it is ready, that its loop still turns, and that it stops.
"""

from __future__ import annotations

import contextlib
import os
import socket

from collections.abc import Callable, Mapping
from typing import Final


SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG_US: Final = "WATCHDOG_USEC"  # how long the manager bears silence
WATCHDOG_PID: Final = "WATCHDOG_PID"  # of whom it expects to hear, if not of all
FED_PER_TIMEOUT: Final = 3  # one that comes late or is lost does no harm


class Supervisor:
    """
    The service manager, if there is one that wants to hear of this process. What cannot
    be told is not: it has its own ways to find out.
    """

    def __init__(
        self, address: str = "", *, every_s: float = 0.0, monotonic: Callable[[], float]
    ) -> None:
        """
        Args:
            address: Of the manager's socket; without one nothing is told.
            every_s: How often it is told that the loop turns; 0: never.
            monotonic: The clock for that, in seconds.
        """
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.every_s = every_s
        self._monotonic = monotonic
        self._fed_at = -every_s

    @classmethod
    def of(
        cls, environment: Mapping[str, str], monotonic: Callable[[], float]
    ) -> Supervisor:
        """
        Return the one that the environment names.
        """
        is_ours = environment.get(WATCHDOG_PID, str(os.getpid())) == str(os.getpid())
        timeout_us = environment.get(WATCHDOG_US, "0") if is_ours else "0"
        every_s = (
            int(timeout_us) / 1e6 / FED_PER_TIMEOUT if timeout_us.isdecimal() else 0
        )
        return cls(environment.get(SOCKET, ""), every_s=every_s, monotonic=monotonic)

    def ready(self) -> None:
        """
        Tell that the process does what it is for.
        """
        self._tell("READY=1")

    def feed(self) -> None:
        """
        Tell that the loop turns, when it is time to; to be called by that loop.
        """
        now = self._monotonic()
        if self.every_s and now - self._fed_at >= self.every_s:
            self._fed_at = now
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """
        Tell that the process has begun to stop.
        """
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
        ):
            sender.setblocking(False)  # a manager that hangs must not hang us
            sender.sendto(message.encode(), self._address)
