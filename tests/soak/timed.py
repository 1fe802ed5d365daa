"""
How long an act takes each time.
"""

from __future__ import annotations

import random
import time

from tests.chaos.actors import Act


class Timed:
    """
    Does the act when called, and keeps how long it took.
    """

    def __init__(self, act: Act) -> None:
        self._act = act
        self._took_s: list[float] = []

    def __call__(self, chance: random.Random) -> float:
        """
        Do it.
        """
        began = time.perf_counter()
        rest_s = self._act(chance)
        self._took_s.append(time.perf_counter() - began)
        return rest_s

    def take(self) -> list[float]:
        """
        Return the seconds that it took, each time since this was last called.
        """
        taken, self._took_s = self._took_s, []
        return taken
