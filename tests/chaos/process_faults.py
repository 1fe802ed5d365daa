"""
Faults of the listener and of the server.
"""

from __future__ import annotations

import random
import time

from collections.abc import Mapping
from typing import Final

from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault
from tests.chaos.shopfront import GRACES_S, Shopfront


DOWN_S: Final = (0.0, 2.0)
HANGING_S: Final = (1.0, 8.0)  # also longer than the silence that servers call stale
LIVES: Final = 3
SHORT_LIFE_S: Final = (0.0, 6.0)  # from within the imports to amid the catching up


class ProcessFaults:
    """
    One at a time; the pair runs before and after each.
    """

    def __init__(self, shopfront: Shopfront, cluster: Cluster) -> None:
        self._shopfront = shopfront
        self._cluster = cluster

    @property
    def listener_faults(self) -> Mapping[str, Fault]:
        """
        Of the listener, by name.
        """
        return {
            "kill listener": self._kill_listener,
            "kill listener again and again": self._kill_listener_often,
            "stop listener": self._stop_listener,
            "suspend listener": self._suspend_listener,
        }

    @property
    def oplog_faults(self) -> Mapping[str, Fault]:
        """
        Of the listener and the oplog that it follows, by name.
        """
        return {
            "roll oplog, listener down": self._roll_past_the_dead,
            "roll oplog, listener hanging": self._roll_past_the_hanging,
        }

    @property
    def server_faults(self) -> Mapping[str, Fault]:
        """
        Of the server, by name.
        """
        return {"kill server": self._kill_server, "stop server": self._stop_server}

    def _kill_listener(self, chance: random.Random) -> None:
        with self._shopfront.listener_lock:
            self._end_listener()
            time.sleep(chance.uniform(*DOWN_S))
            self._shopfront.start_listener(chance.choice(GRACES_S))

    def _kill_listener_often(self, chance: random.Random) -> None:
        for _ in range(LIVES):
            self._kill_listener(chance)
            time.sleep(chance.uniform(*SHORT_LIFE_S))

    def _stop_listener(self, chance: random.Random) -> None:
        with self._shopfront.listener_lock:
            self._expect_listener()
            self._shopfront.stop_listener()
            time.sleep(chance.uniform(*DOWN_S))
            self._shopfront.start_listener(chance.choice(GRACES_S))

    def _suspend_listener(self, chance: random.Random) -> None:
        with self._shopfront.listener_lock:
            self._expect_listener()
            self._shopfront.pair.listener.suspend()
            time.sleep(chance.uniform(*HANGING_S))
            self._shopfront.pair.listener.resume()

    def _roll_past_the_dead(self, chance: random.Random) -> None:
        with self._cluster.lock, self._shopfront.listener_lock:
            self._cluster.await_whole()
            self._end_listener()
            self._cluster.roll_oplog()
            self._shopfront.start_listener(chance.choice(GRACES_S))

    def _roll_past_the_hanging(self, _chance: random.Random) -> None:
        with self._cluster.lock, self._shopfront.listener_lock:
            self._cluster.await_whole()
            self._expect_listener()
            self._shopfront.pair.listener.suspend()
            try:
                self._cluster.roll_oplog()
            finally:
                self._shopfront.pair.listener.resume()

    def _kill_server(self, chance: random.Random) -> None:
        self._expect_server()
        self._shopfront.restart_server(
            self._shopfront.pair.server.kill, chance.uniform(*DOWN_S)
        )

    def _stop_server(self, chance: random.Random) -> None:
        self._expect_server()
        self._shopfront.restart_server(
            self._shopfront.pair.server.stop, chance.uniform(*DOWN_S)
        )

    def _end_listener(self) -> None:
        self._expect_listener()
        self._shopfront.pair.listener.kill()

    def _expect_listener(self) -> None:
        assert self._shopfront.pair.listener.is_running, "the listener has ended"

    def _expect_server(self) -> None:
        assert self._shopfront.pair.server.is_running, "the server has ended"
