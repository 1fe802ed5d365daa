"""
One run: everything is started, broken, compared, and ended.
"""

from __future__ import annotations

import random
import time
import traceback

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from tests.chaos.writers import Writer
from tests.support.mongo import replica_set
from tests.support.processes import running, to_uri


WRITERS: Final = 4
VISITORS: Final = 3
ROUND_S: Final = (15.0, 40.0)  # of faults between two quiet points
OPLOG_MB: Final = 16  # half a minute of writes, so that members that were down catch up
# What no checkpoint has is not truncated, and they come once a minute by default.
OPTIONS: Final = ("--syncdelay=1",)
SOON_S: Final = (0.2, 3.0)  # between two faults of a lane
LATER_S: Final = (5.0, 15.0)
SETTINGS: Final = {
    "EVERSHELF_SHRINK_GRACE_S": str(min(GRACES_S)),
    "EVERSHELF_MIN_INTERVAL_S": "0.02",
    "EVERSHELF_DURABLE_INTERVAL_S": "1",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """
    All that is running.
    """

    shopfront: Shopfront
    cluster: Cluster
    logs: Sequence[LogTail]


def run(asked: Asked, folder: Path, journal: Journal, say: Say) -> None:
    """
    Break everything for so long; what was found is in *journal*.

    Args:
        asked: For how long, and the seed.
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
    started = time.monotonic()
    deadline = started + asked.minutes * 60
    with acting(stage, asked.seed, journal) as (writers, faults):
        while (left_s := deadline - time.monotonic()) > 0:
            writers.open()
            faults.open()
            journal.over.wait(min(left_s, chance.uniform(*ROUND_S)))
            faults.close()
            writers.close()
            if journal.over.is_set():
                return
            with journal.noted("quiet points", "quiet point"):
                quiet.check(chance)
            _read_logs(stage.logs)
            say(_summary(journal, time.monotonic() - started))


@contextmanager
def acting(stage: Stage, seed: int, journal: Journal) -> Iterator[tuple[Gate, Gate]]:
    """
    Yield the closed gates of the writers and of the faults; visitors come all the time.
    """
    visitors, writers, faults = Gate(), Gate(), Gate()
    cast: list[tuple[str, Act, Gate]] = [
        *(
            (f"visitor {n}", Visitor(stage.shopfront, journal), visitors)
            for n in range(VISITORS)
        ),
        *(
            (f"writer {n}", Writer(_products(stage), journal), writers)
            for n in range(WRITERS)
        ),
        *((name, lane, faults) for name, lane in _lanes(stage, writers, journal)),
    ]
    actors = [
        Actor(name, act, gate=gate, seed=seed, journal=journal)
        for name, act, gate in cast
    ]
    for actor in actors:
        actor.start()
    visitors.open()
    try:
        yield writers, faults
    finally:
        for gate in (faults, writers, visitors):
            gate.end()
        for actor in actors:
            actor.join()


def _lanes(stage: Stage, writers: Gate, journal: Journal) -> Iterator[tuple[str, Lane]]:
    members = MemberFaults(stage.cluster)
    processes = ProcessFaults(stage.shopfront, stage.cluster)
    collection = CollectionFaults(stage.shopfront, stage.cluster, writers)
    yield "members", Lane(members.faults, SOON_S, journal)
    yield "listener", Lane(processes.listener_faults, SOON_S, journal)
    yield "server", Lane(processes.server_faults, LATER_S, journal)
    yield "collection", Lane(collection.faults, SOON_S, journal)


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
