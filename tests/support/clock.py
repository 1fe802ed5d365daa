"""
A clock that stands still until it is told.
"""

from __future__ import annotations

from listener.clock import Clock


EPOCH = 1_700_000_000.0


class FakeClock:
    """
    Both clocks of `listener.clock.Clock`, which move only with `advance`.
    """

    def __init__(self) -> None:
        self.now = 0.0

    def advance(self, seconds: float) -> None:
        """
        Let time pass.
        """
        self.now += seconds

    def monotonic(self) -> float:
        """
        Return how much time has passed.
        """
        return self.now

    def wall(self) -> float:
        """
        Return the Unix time.
        """
        return EPOCH + self.now

    @property
    def clock(self) -> Clock:
        """
        What the listener takes.
        """
        return Clock(self.monotonic, self.wall)
