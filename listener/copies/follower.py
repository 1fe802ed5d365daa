"""
The loop of a host that serves and does not build: each generation that is published in a
place becomes the store's.
"""

from __future__ import annotations

import random

from dataclasses import replace
from typing import Final

import structlog

from listener.beacon import Beacon
from listener.clock import Clock
from listener.copies.fetch import fetch
from listener.copies.place import LivePlace, PlaceFault, Told
from listener.publisher import to_served
from listener.rebuild import PULSE_S, Interrupted
from listener.signals import Stop
from listener.status import Status
from listener.trouble import Trouble
from recommender.backoff import delay_s
from recommender.errors import RecommenderError, StoreCorrupt, StoreEmpty, StoreTooNew
from recommender.generation import Generation
from recommender.manifest import Manifest
from recommender.position import State
from recommender.store import Store
from recommender.supervisor import Supervisor


SILENT_S: Final = 5.0  # the publisher speaks each second; five missed are no accident
LATE_S: Final = 1.0  # a copy that takes longer is said
GARBAGE_S: Final = 10.0

NOTHING_PUBLISHED: Final = "nothing_published"
FETCHING: Final = "fetching"
PUBLISHER_SILENT: Final = "publisher_silent"
UNREACHABLE: Final = "unreachable"
UNUSABLE: Final = "unusable"
BACK_IN_TIME: Final = "what is published there is older than what is here"

log = structlog.get_logger()


class Follower:
    """
    Keeps a store equal to a place until it is told to stop. One thread owns it.

    What the servers of this host say of freshness is what the publisher says of itself,
    as long as it speaks.
    """

    def __init__(  # noqa: PLR0913, PLR0917 each is one thing it works with
        self,
        store: Store,
        place: LivePlace,
        status: Status,
        clock: Clock,
        stop: Stop,
        supervisor: Supervisor,
    ) -> None:
        self._store = store
        self._place = place
        self._status = status
        self._clock = clock
        self._stop = stop
        self._supervisor = supervisor
        self._beacon = Beacon(store, status, clock)
        self._known: Generation | None = None
        self._late_at = clock.monotonic()
        self._collected_at = clock.monotonic()
        self._garbage = Trouble("garbage")

    def run(self) -> None:
        """
        Follow until told to stop.

        Raises:
            StoreTooNew: The store was written by a later Evershelf.
        """
        self._begin()
        self._supervisor.ready()
        try:
            while not self._stop.is_set():
                self._follow()
        except BaseException as error:
            self._status.enter(State.FAILED, type(error).__name__, error=str(error))
            raise
        else:
            self._status.enter(State.STOPPING)
        finally:
            self._supervisor.stopping()
            self._beacon.tend()

    def _begin(self) -> None:
        """
        Go on from what the store has; what is damaged comes again.
        """
        try:
            self._known = self._store.load()
        except StoreEmpty:
            return
        except StoreCorrupt as error:
            log.warning("store.damaged", error=str(error))
            return
        self._status.served = to_served(self._known.manifest)

    def _follow(self) -> None:
        try:
            with self._place.watching() as wait:
                while not self._stop.is_set():
                    self._look()
                    self._turn()
                    self._tidy()
                    wait()
        except Interrupted:
            pass  # the loop ends
        except PlaceFault as error:
            self._retry(UNREACHABLE, error)
        except RecommenderError as error:
            self._retry(UNUSABLE, error)
        except OSError as error:
            self._tidy()  # the disk may be full of what nobody needs
            self._retry(UNUSABLE, error)

    def _look(self) -> None:
        told = self._place.read_newest()
        self._status.note_progress()
        if told is None:
            self._status.enter(State.STARTING, NOTHING_PUBLISHED)
            return
        if self._known is None or told.manifest != self._known.manifest:
            self._known = self._fetch(self._known)
        self._tell(told, self._known.manifest)

    def _fetch(self, known: Generation | None) -> Generation:
        started = self._clock.monotonic()
        self._late_at = started + LATE_S
        fetched = fetch(
            self._store,
            self._place,
            accept=self._accept,
            check=self._check,
            known=known,
        )
        manifest = fetched.manifest
        here = known.manifest.segments if known else ()
        self._status.served = to_served(manifest)
        log.info(
            "model.fetched",
            generation=manifest.generation,
            products=manifest.products,
            visible=manifest.visible,
            segments=len(manifest.segments),
            bytes=sum(ref.size for ref in manifest.segments if ref not in here),
            took_s=round(self._clock.monotonic() - started, 3),
            as_of=manifest.as_of.to_text(),
        )
        return fetched

    def _accept(self, manifest: Manifest) -> None:
        known = self._known.manifest if self._known else None
        if known is None or known.identity != manifest.identity:
            return
        if manifest.as_of < known.as_of:  # a primary that is none any more may say so
            raise PlaceFault(BACK_IN_TIME)

    def _check(self) -> None:
        if self._stop.is_set():
            raise Interrupted
        if self._clock.monotonic() >= self._late_at:
            self._status.enter(State.CATCHING_UP, FETCHING)
        self._turn()

    def _tell(self, told: Told, manifest: Manifest) -> None:
        """
        Say what the publisher says, if that is of the generation that is here.
        """
        if told.manifest != manifest:
            return  # a newer one was fetched; what is said of that comes next
        as_of = max(manifest.as_of, told.position.as_of)
        self._status.served = replace(to_served(manifest), as_of=as_of)
        self._status.read_time = told.position.read_time
        if told.age_s > SILENT_S:
            self._status.enter(State.RETRYING, PUBLISHER_SILENT)
        else:
            self._status.enter(told.position.state, told.position.reason)

    def _turn(self) -> None:
        self._beacon.tend()
        self._status.beat()
        self._supervisor.feed()

    def _tidy(self) -> None:
        """
        Remove what no pointer names; never during a copy, of which none names anything.
        """
        now = self._clock.monotonic()
        if now - self._collected_at < GARBAGE_S:
            return
        self._collected_at = now
        try:
            self._store.collect_garbage(now)
        except OSError as error:
            self._garbage.note_failure(error)
        else:
            self._garbage.note_success()

    def _retry(self, reason: str, error: Exception) -> None:
        remedy = {"remedy": error.remedy} if isinstance(error, StoreTooNew) else {}
        self._status.enter(State.RETRYING, reason, error=str(error), **remedy)
        self._status.note_failure(error)
        wait_s = delay_s(self._status.failures, random.random())  # noqa: S311
        end = self._clock.monotonic() + wait_s
        while not self._stop.is_set() and (left := end - self._clock.monotonic()) > 0:
            self._turn()
            self._stop.wait(min(left, PULSE_S))
