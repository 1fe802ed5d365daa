"""
One run: everything is started, broken, compared, and ended.
"""

from __future__ import annotations

import itertools
import random
import time
import traceback

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pymongo.collection import Collection

from listener.mongo.client import CODEC
from tests.chaos.actors import Act, Actor, Gate
from tests.chaos.cluster import Cluster
from tests.chaos.collection_faults import CollectionFaults
from tests.chaos.faults import Lane
from tests.chaos.journal import Journal
from tests.chaos.log_tail import LogTail
from tests.chaos.member_faults import MemberFaults
from tests.chaos.process_faults import ProcessFaults
from tests.chaos.quiet import QuietPoint
from tests.chaos.report import Asked
from tests.chaos.shopfront import GRACES_S, Shopfront
from tests.chaos.stock import (
    ANCHORS,
    DATABASE,
    NAME,
    POOL,
    Document,
    make_anchor,
    make_document,
)
from tests.chaos.visitors import Visitor
from tests.chaos.witness import Witness
from tests.chaos.writers import Writer
from tests.support.mongo import replica_set
from tests.support.processes import running, to_uri


WRITERS: Final = 4
VISITORS: Final = 3
ROUND_S: Final = (12.0, 30.0)  # of faults between two quiet points
OPLOG_MB: Final = 16  # half a minute of writes, so that members that were down catch up
# What no checkpoint has is not truncated, and they come once a minute by default.
OPTIONS: Final = ("--syncdelay=1",)
SOON_S: Final = (0.2, 3.0)  # between two faults of a lane
BORN_S: Final = (3.0, 10.0)  # a listener that is always importing tells nothing
LATER_S: Final = (5.0, 15.0)
SETTINGS: Final = {
    "EVERSHELF_SHRINK_GRACE_S": str(min(GRACES_S)),
    "EVERSHELF_MIN_INTERVAL_S": "0.02",
    "EVERSHELF_DURABLE_INTERVAL_S": "1",
}

# Lanes that force a rebuild. Each mends whatever following has done wrong before, so
# that every second round is without them.
UPHEAVALS: Final = frozenset({"collection", "oplog"})

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """
    All that is running.
    """

    shopfront: Shopfront
    cluster: Cluster
    logs: Sequence[LogTail]


@dataclass(frozen=True, slots=True)
class Gates:
    """
    Who may act.
    """

    visitors: Gate = field(default_factory=Gate)
    writers: Gate = field(default_factory=Gate)
    faults: Gate = field(default_factory=Gate)
    upheavals: Gate = field(default_factory=Gate)

    @contextmanager
    def opened(self, *, is_upheaval: bool) -> Iterator[None]:
        """
        Let writers write and faults happen; in the end all of them are done.
        """
        opened = (self.faults, *([self.upheavals] if is_upheaval else ()))
        for gate in (self.writers, *opened):
            gate.open()
        yield
        # Writers last: who drops the collection closes and opens their gate.
        for gate in (*opened, self.writers):
            gate.close()

    def end(self) -> None:
        """
        Let nobody act any more.
        """
        for gate in (self.upheavals, self.faults, self.writers, self.visitors):
            gate.end()


def run(asked: Asked, folder: Path, journal: Journal, say: Say) -> None:
    """
    Break everything for so long, and until each fault was done; what was found is in
    *journal*.

    Args:
        asked: For how long at least, and the seed.
        folder: For databases, the store and logs.
        journal: Hears of everything.
        say: Shows a line.
    """
    try:
        with staged(folder, asked.seed, journal) as stage:
            try:
                _play(stage, asked, journal, say)
            finally:
                _read_logs(stage.logs)
    except Exception:  # noqa: BLE001 whatever it is, the report must tell
        journal.fail(traceback.format_exc())


@contextmanager
def staged(folder: Path, seed: int, journal: Journal) -> Iterator[Stage]:
    """
    Yield a shop that is followed and served, on three members.
    """
    with (
        replica_set(folder / "mongod", oplog_mb=OPLOG_MB, options=OPTIONS) as replicas,
        Cluster(replicas) as cluster,
    ):
        _fill(cluster, random.Random(f"{seed}/stock"))
        uri = to_uri(cluster.uri, DATABASE)
        with running(folder / "data", uri, SETTINGS) as pair:
            logs = [
                LogTail(name, folder / "data" / f"{name}.log", journal)
                for name in ("listener", "server")
            ]
            yield Stage(Shopfront(pair, journal), cluster, logs)


def _fill(cluster: Cluster, chance: random.Random) -> None:
    products = cluster.client[DATABASE][NAME]
    products.insert_many([make_anchor(number, chance) for number in range(ANCHORS)])
    products.insert_many(
        [make_document(number, chance) for number in range(0, POOL, 2)]
    )


def _play(stage: Stage, asked: Asked, journal: Journal, say: Say) -> None:
    chance = random.Random(f"{asked.seed}/rounds")
    quiet = QuietPoint(stage.shopfront, stage.cluster, journal)
    began_at = time.monotonic()
    gates = Gates()
    lanes = _lanes(stage, gates.writers, journal)
    with acting(stage, gates, lanes, asked.seed, journal):
        for is_upheaval in itertools.cycle((False, True)):
            if _is_enough(asked, lanes, time.monotonic() - began_at):
                return
            round_s = chance.uniform(*ROUND_S)
            with gates.opened(is_upheaval=is_upheaval):
                journal.over.wait(round_s)
            if journal.over.is_set():
                return
            with journal.noted("quiet points", "quiet point"):
                quiet.check(chance)
            _read_logs(stage.logs)
            for log in stage.logs:
                log.check_flood()
            say(_summary(journal, time.monotonic() - began_at))


def _is_enough(asked: Asked, lanes: Mapping[str, Lane], seconds: float) -> bool:
    is_long = seconds >= asked.minutes * 60 - min(ROUND_S)
    return is_long and all(lane.has_done_all for lane in lanes.values())


@contextmanager
def acting(
    stage: Stage, gates: Gates, lanes: Mapping[str, Lane], seed: int, journal: Journal
) -> Iterator[None]:
    """
    Let all act whose gate opens; visitors come all the time.
    """
    cast: list[tuple[str, Act, Gate]] = [
        (name, lane, gates.upheavals if name in UPHEAVALS else gates.faults)
        for name, lane in lanes.items()
    ]
    guests = [Visitor(stage.shopfront, journal) for _ in range(VISITORS)]
    cast += [(f"visitor {n}", guest, gates.visitors) for n, guest in enumerate(guests)]
    sellers = [Writer(_products(stage), journal) for _ in range(WRITERS)]
    cast += [(f"writer {n}", seller, gates.writers) for n, seller in enumerate(sellers)]
    swaps = lanes["collection"].under_way
    witness = Witness(_products(stage), stage.shopfront, swaps, journal)
    cast.append(("witness", witness, gates.writers))
    actors = [
        Actor(name, act, gate=gate, seed=seed, journal=journal)
        for name, act, gate in cast
    ]
    for actor in actors:
        actor.start()
    gates.visitors.open()
    try:
        yield
    finally:
        gates.end()
        for actor in actors:
            actor.join()
        for guest in guests:
            guest.close()


def _lanes(stage: Stage, writers: Gate, journal: Journal) -> Mapping[str, Lane]:
    members = MemberFaults(stage.cluster)
    processes = ProcessFaults(stage.shopfront, stage.cluster)
    collection = CollectionFaults(stage.shopfront, stage.cluster, writers)
    return {
        "members": Lane(members.faults, SOON_S, journal),
        "listener": Lane(processes.listener_faults, BORN_S, journal),
        "oplog": Lane(processes.oplog_faults, LATER_S, journal),
        "server": Lane(processes.server_faults, LATER_S, journal),
        "collection": Lane(collection.faults, SOON_S, journal),
    }


def _products(stage: Stage) -> Collection[Document]:
    return stage.cluster.client[DATABASE].get_collection(NAME, codec_options=CODEC)


def _read_logs(logs: Sequence[LogTail]) -> None:
    for log in logs:
        log.read()


def _summary(journal: Journal, seconds: float) -> str:
    counts = {
        subject: sum(journal.counts.get(subject, {}).values())
        for subject in (
            "quiet points",
            "writes",
            "faults",
            "rebuild.started",
            "answers",
        )
    }
    return f"{seconds:.0f} s: " + ", ".join(
        f"{n:,} {what}" for what, n in counts.items()
    )
