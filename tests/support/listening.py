"""
A listener on a collection in memory, turned by hand.
"""

from __future__ import annotations

import time

from pathlib import Path
from typing import Any

from listener.beacon import Beacon
from listener.build import Here
from listener.compare import differences
from listener.complaints import Complaints
from listener.daemon import Daemon, Parts
from listener.errors import Refused
from listener.guard import ShrinkGuard
from listener.profile.first_start import FirstStart
from listener.publisher import Publisher
from listener.rebuild import Rebuild
from listener.rebuilds import Rebuilds, Requests
from listener.restore import restore
from listener.schedule import Policy, Schedule
from listener.signals import Stop
from listener.status import Status
from listener.stretch import StretchReader
from listener.sweep import Sweep
from listener.upkeep import Upkeep
from listener.window import Window
from recommender.errors import StoreEmpty
from recommender.position import ClusterTime
from recommender.snapshot import Snapshot
from recommender.store import Store, StoreReader
from recommender.supervisor import Supervisor
from tests.support.clock import FakeClock
from tests.support.documents import make_settings
from tests.support.fake_source import FakeSource
from tests.support.listener import SHAPE
from tests.support.products import WEIGHTS


PROMPT = Policy(quiet_s=0, min_interval_s=0.005, max_staleness_s=1)
SETTLED_S = 60.0  # of real time: rebuilds and the disk run beside


class ClockedStop(Stop):
    """
    Waiting costs no time but the clock's.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout_s: float) -> bool:
        """
        Let so much time pass.
        """
        self._clock.advance(timeout_s)
        return self.is_set()


def make_known_start(folder: Path) -> FirstStart:
    """
    Return that of a shop of which all is known.
    """
    return FirstStart(
        make_settings(schema_file=folder.with_name(f"{folder.name}.toml")),
        sample=lambda _size: (),
        look_up=lambda _ids: {},
        begin_again=lambda: None,
        is_new=False,
    )


class Listening:
    """
    What the processes of one store do, one after the other; and what servers saw.
    """

    def __init__(
        self,
        folder: Path,
        source: FakeSource,
        clock: FakeClock,
        *,
        policy: Policy = PROMPT,
        grace_s: float = 0.0,
        sweep_per_s: int = 0,
        supervisor: Supervisor | None = None,
    ) -> None:
        self.source = source
        self.clock = clock
        self.reader = StoreReader(folder)
        self._policy = policy
        self._grace_s = grace_s
        self._sweep_per_s = sweep_per_s
        self._folder = folder
        self._supervisor = supervisor or Supervisor(monotonic=clock.monotonic)
        self.seen: list[tuple[int, ClusterTime]] = []
        source.on_idle = clock.advance
        self.start()

    def start(self) -> None:
        """
        Start a process, as `listener.assembly` does.
        """
        clock = self.clock.clock
        self.store = Store.open(self._folder)
        restored = restore(self.store, self.reader, WEIGHTS, SHAPE)
        self.stop_asked = ClockedStop(self.clock)
        self.status = Status(clock)
        self.status.served = restored.served
        publisher = Publisher(
            self.store,
            self.status,
            schedule=Schedule(self._policy),
            guard=ShrinkGuard(self._grace_s),
            shape=SHAPE,
            clock=clock,
        )
        publisher.hold_until(restored.floor)
        stopping = self.stop_asked.is_set
        self.rebuilds = Rebuilds(
            Rebuild(self.source, WEIGHTS, clock, stopping, Here(WEIGHTS))
        )
        self.requests = Requests()
        if restored.model is None:
            self.rebuilds.ask(restored.reason)
        elif restored.is_behind:
            publisher.note_cause("restart")
        self.upkeep = Upkeep(self.store, 5.0, clock)
        self.publisher = publisher
        parts = Parts(
            source=self.source,
            publisher=publisher,
            upkeep=self.upkeep,
            beacon=Beacon(self.store, self.status, clock),
            status=self.status,
            rebuilds=self.rebuilds,
            requests=self.requests,
            sweep=Sweep(
                StretchReader(self.source, WEIGHTS),
                self.status,
                clock,
                per_s=self._sweep_per_s,
            ),
            complaints=Complaints(self.clock.monotonic),
            window=Window(lambda: None, clock),
            first_start=make_known_start(self._folder),
            clock=clock,
            stop=self.stop_asked,
            supervisor=self._supervisor,
        )
        self.daemon = Daemon(parts, restored.model)

    def turn(self, times: int = 1) -> None:
        """
        Turn the loop, and look at what servers see. A process that is refused ends, and
        another is started.
        """
        for _ in range(times):
            try:
                self.daemon.turn()
            except Refused:
                self.stop()
                self.start()
            self.look()

    def settle(self) -> None:
        """
        Turn until everything written is served, and nothing is under way.
        """
        deadline = time.monotonic() + SETTLED_S
        while not self.is_settled:
            assert time.monotonic() < deadline, self.status.__dict__
            self.turn()

    def stop(self) -> None:
        """
        End the process as one that is asked to.
        """
        self.stop_asked.set()
        self.daemon.run()
        self.look()
        self.store.close()

    def crash(self) -> None:
        """
        End the process without a chance to do anything more.
        """
        self.stop_asked.set()  # only a rebuild in its thread hears of it
        self.upkeep._durable._worker.shutdown()
        self.upkeep._merges._worker.shutdown()
        self.rebuilds.close()
        self.daemon._disconnect()
        self.store.close()

    @property
    def is_settled(self) -> bool:
        """
        Whether servers have all there is.
        """
        served = self.status.served
        return (
            self.daemon._is_open
            and not self.rebuilds.is_due
            and not self.requests.is_waiting
            and not self.publisher._schedule.is_waiting
            and served.generation > 0
            and served.as_of >= self.source.time
        )

    def look(self) -> None:
        """
        See what servers see, and check that it is true and never goes back.
        """
        try:
            manifest = self.reader.read_manifest()
        except StoreEmpty:
            assert not self.seen
            return
        as_of = manifest.as_of
        position = self.reader.read_position()
        if position is not None and position.generation == manifest.generation:
            as_of = max(as_of, position.as_of)
        seen = manifest.generation, as_of
        if self.seen and seen == self.seen[-1]:
            return
        if self.seen:
            assert manifest.generation >= self.seen[-1][0], "generations go back"
            assert as_of >= self.seen[-1][1], "answers go back in time"
        self.seen.append(seen)
        self._check_claim(Snapshot.derive(self.reader.load(manifest)), as_of)

    def _check_claim(self, snapshot: Snapshot, as_of: ClusterTime) -> None:
        """
        Check that every write up to *as_of* is in.
        """
        for key in self.source.keys:
            row = snapshot.find(key)
            displays = {
                None if product is None else product.display
                for product in self.source.versions(key, as_of)
            }
            assert (None if row is None else row.display) in displays, (key, as_of)

    @property
    def snapshot(self) -> Snapshot:
        """
        What servers read.
        """
        return Snapshot.derive(self.reader.load(self.reader.read_manifest()))

    def assert_equal(self) -> None:
        """
        Fail unless the served model is the one trained from scratch.
        """
        found = list(differences(self.snapshot, self.source.documents, WEIGHTS))
        assert not found

    @property
    def state(self) -> tuple[Any, str]:
        """
        What the listener says it does, and why.
        """
        return self.status.state, self.status.reason
