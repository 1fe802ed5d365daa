"""
Both processes stopped, killed and started again, at even intervals.
"""

from __future__ import annotations

import random
import time

from typing import Final

from tests.chaos.cluster import Cluster
from tests.chaos.journal import Journal
from tests.chaos.process_faults import ProcessFaults
from tests.chaos.shopfront import Shopfront


KINDS: Final = ("stop listener", "stop server", "kill listener", "kill server")
FOREVER_S: Final = 1e6


class Restarts:
    """
    Does the next one when called, if it is due; returns how long to rest.

    Attributes:
        ended_at: When each was over and the listener followed again, on the monotonic
            clock.
    """

    def __init__(
        self,
        shopfront: Shopfront,
        cluster: Cluster,
        count: int,
        within_s: float,
        journal: Journal,
    ) -> None:
        """
        Args:
            shopfront: Whose processes.
            cluster: What they follow.
            count: How many restarts in all.
            within_s: From now until the last of them.
            journal: Counts them.
        """
        self.ended_at: list[float] = []
        self._shopfront = shopfront
        self._cluster = cluster
        self._journal = journal
        faults = ProcessFaults(shopfront, cluster)
        self._faults = {**faults.listener_faults, **faults.server_faults}
        self._count = count
        self._began_at = time.monotonic()
        self._left = [
            (
                self._began_at + within_s * (number + 1) / count,
                KINDS[number % len(KINDS)],
            )
            for number in range(count)
        ]

    @property
    def done_at(self) -> float | None:
        """
        When the last was over, or, without any, when it began; None before.
        """
        if len(self.ended_at) < self._count:
            return None
        return self.ended_at[-1] if self.ended_at else self._began_at

    def __call__(self, chance: random.Random) -> float:
        """
        Do it.

        Raises:
            TimeoutError: The pair did not come to follow again.
        """
        if not self._left:
            return FOREVER_S
        due, kind = self._left[0]
        rest_s = due - time.monotonic()
        if rest_s > 0:
            return rest_s
        self._left.pop(0)
        with self._journal.noted("faults", kind):
            self._faults[kind](chance)
            self._shopfront.await_following(self._cluster.now())
        self.ended_at.append(time.monotonic())
        return 0.0
