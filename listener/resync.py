"""
A model trained from scratch now: by the listener that runs, else in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Final

import structlog

from listener.background import in_background
from listener.clock import Clock
from listener.daemon import Daemon
from listener.progress import Show, shown
from listener.rebuilds import Requests
from listener.remote import Health, NoListener, Published, Remote
from listener.signals import Stop
from listener.status import Served


POLL_S: Final = 0.1
STARTING_S: Final = 15.0  # a listener that starts holds the store before it answers
REMINDER_S: Final = 5.0

log = structlog.get_logger()


def resync_here(daemon: Daemon, requests: Requests, stop: Stop) -> Published | None:
    """
    Run *daemon* until it has published a model trained from scratch; return None when
    it was stopped before.

    Raises:
        Refused: The database does not allow it.
    """
    published: Future[Served] = requests.ask()
    published.add_done_callback(lambda _: stop.set())
    daemon.run()
    if not published.done():
        return None
    served = published.result()
    return Published(served.generation, served.products)


def resync_there(
    remote: Remote, clock: Clock, stop: Stop, show: Show = shown
) -> Published | None:
    """
    Have a running listener do it, and *show* how far it is; return None when this
    process was stopped before, of which the listener takes no notice.

    Raises:
        NoListener: It does not answer, or it did not come to an end.
    """
    health = _awaited(remote, clock, stop)
    if health is None:
        return None
    training = in_background(remote.train, "resync")
    watched = _Watched(remote, training, clock, stop)
    for _ in show(watched.read(), total=watched.total(), task="resync", clock=clock):
        pass
    if not training.done():
        return None
    return training.result()


class _Watched:
    """
    What a listener reads while it trains, as seen from outside.
    """

    def __init__(
        self, remote: Remote, training: Future[Published], clock: Clock, stop: Stop
    ) -> None:
        self._remote = remote
        self._training = training
        self._clock = clock
        self._stop = stop
        self._said_at = clock.monotonic()

    def total(self) -> int:
        """
        Return how many documents it is going to read, as soon as it reads.
        """
        while self._is_going_on():
            health = self._health()
            if health is not None and health.to_scan:
                return health.to_scan
            self._remind(health)
        return 0

    def read(self) -> Iterator[range]:
        """
        Yield as many numbers as documents were read since the last time.
        """
        before = 0
        while self._is_going_on():
            health = self._health()
            if health is not None and health.scanned > before:
                yield range(before, health.scanned)
                before = health.scanned

    def _is_going_on(self) -> bool:
        if self._training.done():
            return False
        return not self._stop.wait(POLL_S)

    def _health(self) -> Health | None:
        try:
            return self._remote.health()
        except NoListener:
            return None  # the training tells, when it ends

    def _remind(self, health: Health | None) -> None:
        now = self._clock.monotonic()
        if health is not None and now - self._said_at >= REMINDER_S:
            self._said_at = now
            log.info("resync.waiting", state=health.state, reason=health.reason)


def _awaited(remote: Remote, clock: Clock, stop: Stop) -> Health | None:
    deadline = clock.monotonic() + STARTING_S
    while not stop.is_set():
        try:
            return remote.health()
        except NoListener:
            if clock.monotonic() >= deadline:
                raise
        stop.wait(POLL_S)
    return None
