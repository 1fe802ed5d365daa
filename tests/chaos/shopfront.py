"""
The pair under faults: its listener and server killed and started, its model awaited.
"""

from __future__ import annotations

import signal
import threading
import time

from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from recommender.position import ClusterTime
from tests.chaos.journal import Journal
from tests.chaos.windows import Windows
from tests.support.processes import Answer, Pair, Process
from tests.support.waiting import wait_for


GRACES_S: Final = (2.0, 2.0, 2.0, 20.0)  # of the shrink guard, drawn at each start
LONGEST_GRACE_S: Final = max(GRACES_S)
SERVING_S: Final = 30.0  # a start, on a busy machine
# To reach the members again, to rebuild, and to wait for the shrink guard.
FOLLOWING_S: Final = 90.0 + LONGEST_GRACE_S


class Shopfront:
    """
    What visitors see, and who keeps it up to date.

    Attributes:
        pair: Both processes.
        listener_lock: Held by whoever harms the listener, or needs it unharmed.
        outages: While the server may refuse connections.
        clearances: While the collection may lack anchors, and nothing holds that back.
    """

    def __init__(self, pair: Pair, journal: Journal) -> None:
        self.pair = pair
        self._journal = journal
        self._said = 0  # bytes of the log before the listener was last started
        self.listener_lock = threading.RLock()
        self.outages = Windows()
        self.clearances = Windows()

    def start_listener(self, grace_s: float) -> None:
        """
        Start the listener with a grace time of its own.
        """
        self._said = self._listener_log.stat().st_size
        settings = {"EVERSHELF_SHRINK_GRACE_S": str(grace_s)}
        self.pair.listener = Process(
            "run_listener.py",
            [],
            {**self.pair.environment, **settings},
            self._listener_log,
        )
        self.pair.listener.start()

    def stop_listener(self) -> None:
        """
        Ask the listener to end, as it must within a few seconds.

        Raises:
            AssertionError: It ended otherwise than by being asked.
        """
        code = self.pair.listener.stop()
        is_silent = self._listener_log.stat().st_size == self._said
        # Before it has said anything it is importing, and there is nothing to tidy up.
        fine = {0, -signal.SIGTERM} if is_silent else {0}
        assert code in fine, f"the listener was asked to stop and ended with {code}"

    def restart_server(self, end: Callable[[], object], down_s: float) -> None:
        """
        End the server and start it again; it answers when this returns.
        """
        with self.outages.opened():
            end()
            time.sleep(down_s)
            self.pair.server.start()
            wait_for(self._is_serving, timeout_s=SERVING_S, what="the server")

    def await_served(self, at: ClusterTime) -> None:
        """
        Wait until answers hold all that was written up to *at*.

        Once the run is over there is nothing to wait for.

        Raises:
            TimeoutError: They never did; it says what they said instead.
        """

        def is_served() -> bool:
            if self._journal.over.is_set():
                return True
            model = self.read_model()
            assert to_time(model["cluster_time"]) >= at, model
            return True

        wait_for(is_served, timeout_s=FOLLOWING_S, what=f"the model of {at}")

    def await_following(self, at: ClusterTime) -> None:
        """
        Wait until answers hold all that was written up to *at* and are not stale.

        Once the run is over there is nothing to wait for.

        Raises:
            TimeoutError: They never did; it says what they said instead.
        """

        def is_following() -> bool:
            if self._journal.over.is_set():
                return True
            model = self.read_model()
            assert not model["stale"], model
            assert to_time(model["cluster_time"]) >= at, model
            return True

        wait_for(is_following, timeout_s=FOLLOWING_S, what=f"the model of {at}")

    def read_model(self) -> dict[str, Any]:
        """
        Return what the server says of its model.
        """
        answer = self.ask("/v1/model")
        assert answer.status == HTTPStatus.OK, answer
        return dict(answer.json)

    def ask(self, path: str) -> Answer:
        """
        Return an answer; a connection that failed is a status of 0.
        """
        try:
            return self.pair.get(path)
        except (OSError, HTTPException) as error:
            return Answer(0, {}, repr(error).encode())

    @property
    def _listener_log(self) -> Path:
        return self.pair.data_dir / "listener.log"

    def _is_serving(self) -> bool:
        return self.ask("/health/live").status == HTTPStatus.OK


def to_time(text: str) -> ClusterTime:
    """
    Return a time as answers name it.
    """
    seconds, increment = text.split(":")
    return ClusterTime(int(seconds), int(increment))
