"""
One run: everything is started, kept busy, looked at, compared, and ended.

The first third is for restarts and for warming up; what follows is left alone, and
judged.
"""

from __future__ import annotations

import time
import traceback

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.catalogue import to_id
from benchmarks.connection import Connection
from benchmarks.shop import Shop
from recommender.exits import Exit
from tests.chaos.actors import Act, Actor, Gate
from tests.chaos.journal import Journal
from tests.chaos.visitors import Visitor
from tests.chaos.windows import Windows
from tests.chaos.witness import Witness
from tests.chaos.writers import Writer
from tests.soak.ballast import Updater
from tests.soak.flatness import EARLY
from tests.soak.prober import probing
from tests.soak.restarts import Restarts
from tests.soak.sampler import Sample, Sampler
from tests.soak.stage import Stage, staged
from tests.soak.timed import Timed


WRITERS: Final = 2
VISITORS: Final = 2
WARMING: Final = 2_000  # looks at different products before the first sample
SUMMARY_EVERY: Final = 6  # samples
VERIFY_S: Final = 1_200.0
SHOWN: Final = 3_000  # characters of a log

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What was asked for.

    Attributes:
        minutes: How long everybody is busy.
        products: Of the catalogue's bulk.
        updates: Of them, at an even pace.
        restarts: Of both processes, in the first third.
        every_s: Between two samples.
        seed: Of everything that chance decides.
    """

    minutes: float = 60.0
    products: int = 100_000
    updates: int = 1_000_000
    restarts: int = 8
    every_s: float = 10.0
    seed: int = 0

    @property
    def seconds(self) -> float:
        """
        How long everybody is busy.
        """
        return self.minutes * 60

    @property
    def early_s(self) -> float:
        """
        How long of that is not judged.
        """
        return self.seconds * EARLY


@dataclass(slots=True)
class Seen:
    """
    What was seen, all by seconds since everybody became busy.

    Attributes:
        at_s: When each sample was taken.
        samples: One after the other.
        restarts_s: When each restart was over.
        judged_from_s: Since when the pair was left alone.
    """

    at_s: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    restarts_s: list[float] = field(default_factory=list)
    judged_from_s: float = 0.0

    def note(self, at_s: float, sample: Sample) -> None:
        """
        Keep one more.
        """
        self.at_s.append(at_s)
        self.samples.append(sample)


def run(asked: Asked, folder: Path, seen: Seen, journal: Journal, say: Say) -> None:
    """
    Keep a shop busy for so long. What must not be is in *journal*.

    Args:
        asked: What to do.
        folder: For the database, the store and logs.
        seen: Gets what is seen.
        journal: Hears of everything.
        say: Shows a line.
    """
    try:
        with staged(folder, asked.products, asked.seed, journal) as stage:
            say(f"{asked.products:,} products are followed and served")
            try:
                _play(stage, asked, seen, journal, say)
                if not journal.failures:
                    say("verifying")
                    _end(stage, journal)
            finally:
                _read_logs(stage)
    except Exception:  # noqa: BLE001 whatever it is, the report must tell
        journal.fail(traceback.format_exc())


def _play(stage: Stage, asked: Asked, seen: Seen, journal: Journal, say: Say) -> None:
    shopfront, cluster = stage.shopfront, stage.cluster
    paths = [Shop.similar_path(to_id(number)) for number in range(asked.products)]
    _warm(shopfront.pair.port, paths)
    with probing(shopfront.pair.port, paths) as prober:
        witness = Timed(Witness(stage.products, shopfront, Windows(), journal))
        sampler = Sampler(shopfront, cluster, prober, witness)
        began = time.monotonic()
        seen.note(0.0, sampler.look())
        restarts = Restarts(shopfront, cluster, asked.restarts, asked.early_s, journal)
        updater = Updater(
            stage.products, asked.products, asked.updates, asked.seconds, journal
        )
        cast: dict[str, Act] = {
            "restarts": restarts,
            "updater": updater,
            "witness": witness,
        }
        with _acting(stage, cast, asked.seed, journal):
            for _ in _beats(asked.every_s, journal):
                seen.note(time.monotonic() - began, sampler.look())
                _read_logs(stage)
                if len(seen.samples) % SUMMARY_EVERY == 0:
                    say(_summary(seen))
                if updater.is_done and _is_long_enough(asked, began, restarts.done_at):
                    break
        seen.restarts_s = [at - began for at in restarts.ended_at]
        seen.judged_from_s = max([asked.early_s, *seen.restarts_s])


def _is_long_enough(asked: Asked, began: float, restarted: float | None) -> bool:
    """
    Say whether the time is over, and at least half of it was without restarts; on a busy
    machine they take long.
    """
    now = time.monotonic()
    is_over = now >= began + asked.seconds
    return is_over and restarted is not None and now >= restarted + asked.seconds / 2


def _warm(port: int, paths: Sequence[str]) -> None:
    """
    Let the server touch what it maps, so that this does not look like growth.
    """
    with Connection(port) as connection:
        for path in paths[:: max(1, len(paths) // WARMING)]:
            connection.get(path)


@contextmanager
def _acting(
    stage: Stage, cast: Mapping[str, Act], seed: int, journal: Journal
) -> Iterator[None]:
    """
    Let the *cast*, writers and visitors act meanwhile.
    """
    guests = [Visitor(stage.shopfront, journal) for _ in range(VISITORS)]
    sellers = [Writer(stage.products, journal) for _ in range(WRITERS)]
    acts: dict[str, Act] = {
        **cast,
        **{f"visitor {number}": guest for number, guest in enumerate(guests)},
        **{f"writer {number}": seller for number, seller in enumerate(sellers)},
    }
    gate = Gate()
    actors = [
        Actor(name, act, gate=gate, seed=seed, journal=journal)
        for name, act in acts.items()
    ]
    for actor in actors:
        actor.start()
    gate.open()
    try:
        yield
    finally:
        gate.end()
        for actor in actors:
            actor.join()
        for guest in guests:
            guest.close()


def _beats(every_s: float, journal: Journal) -> Iterator[None]:
    """
    Yield at even intervals, until the first failure.
    """
    due = time.monotonic() + every_s
    while not journal.over.wait(max(0.0, due - time.monotonic())):
        yield
        due += every_s


def _end(stage: Stage, journal: Journal) -> None:
    """
    Compare the model with the collection, and stop both processes as one should.
    """
    shopfront, pair = stage.shopfront, stage.shopfront.pair
    shopfront.await_following(stage.cluster.now())
    verify = pair.make("verify")
    verify.start()
    code = verify.wait(VERIFY_S)
    journal.count("verified", f"exit code {code}")
    if code != Exit.OK:
        journal.fail(f"verify ended with {code}: {verify.text[-SHOWN:]}")
    for name, process in (("server", pair.server), ("listener", pair.listener)):
        code = process.stop()
        if code != Exit.OK:
            journal.fail(f"the {name} was asked to stop and ended with {code}")


def _read_logs(stage: Stage) -> None:
    for log in stage.logs:
        log.read()


def _summary(seen: Seen) -> str:
    shown = (f"{name} {value:,.0f}" for name, value in seen.samples[-1].items())
    return f"{seen.at_s[-1]:.0f} s: {', '.join(shown)}"
