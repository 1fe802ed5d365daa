"""
Faults of the database's members.
"""

from __future__ import annotations

import random
import time

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from listener.demo.mongod import Mongod
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault


OUTAGE_S: Final = (0.5, 6.0)


class MemberFaults:
    """
    One at a time, with all members up before it.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def faults(self) -> Mapping[str, Fault]:
        """
        By name.
        """
        return {
            "kill primary": self._kill_primary,
            "kill secondary": self._kill_secondary,
            "suspend primary": self._suspend_primary,
            "suspend secondary": self._suspend_secondary,
            "step down": self._step_down,
            "lose majority": self._lose_majority,
        }

    def _kill_primary(self, chance: random.Random) -> None:
        with self._whole() as cluster:
            self._kill([cluster.primary()], chance)

    def _kill_secondary(self, chance: random.Random) -> None:
        with self._whole() as cluster:
            self._kill([chance.choice(cluster.secondaries())], chance)

    def _lose_majority(self, chance: random.Random) -> None:
        with self._whole() as cluster:
            self._kill(cluster.secondaries(), chance)

    def _suspend_primary(self, chance: random.Random) -> None:
        with self._whole() as cluster:
            self._suspend(cluster.primary(), chance)

    def _suspend_secondary(self, chance: random.Random) -> None:
        with self._whole() as cluster:
            self._suspend(chance.choice(cluster.secondaries()), chance)

    def _step_down(self, _chance: random.Random) -> None:
        with self._whole() as cluster:
            cluster.step_down()

    @contextmanager
    def _whole(self) -> Iterator[Cluster]:
        with self._cluster.lock:
            self._cluster.await_whole()
            yield self._cluster

    def _kill(self, mongods: Sequence[Mongod], chance: random.Random) -> None:
        for mongod in mongods:
            self._cluster.kill(mongod)
        time.sleep(chance.uniform(*OUTAGE_S))
        for mongod in mongods:
            self._cluster.start(mongod)

    def _suspend(self, mongod: Mongod, chance: random.Random) -> None:
        self._cluster.suspend(mongod)
        time.sleep(chance.uniform(*OUTAGE_S))
        self._cluster.resume(mongod)
