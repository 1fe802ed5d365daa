"""
The proof: the served model against one trained from scratch on the collection.
"""

from __future__ import annotations

import time

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import structlog

from listener.clock import Clock
from listener.compare import (
    Difference,
    differences,
    presence_differences,
    rankings_of,
    row_differences,
)
from listener.errors import PositionLost, Unreachable
from listener.feed import Source
from listener.guard import HELD
from listener.progress import Show, shown
from listener.reading import ReadHere, Reading
from listener.truth import Truth
from recommender.address import to_address
from recommender.errors import StoreCorrupt, StoreEmpty
from recommender.position import ClusterTime, State
from recommender.product import Product
from recommender.snapshot import Snapshot
from recommender.store import StoreReader
from recommender.weights import Weights, term_weights
from server.freshness import (
    LISTENER_ABSENT,
    LISTENER_SILENT,
    NEWEST_UNREADABLE,
    freshness,
)
from server.loader import Served, read_next


PATIENCE_S: Final = 60.0  # for a listener to catch up, and for moving products to rest
QUIET_S: Final = 10.0  # for a moment in which nothing is written; most shops have many
POLL_S: Final = 0.02
SHOWN: Final = 20  # differences that are logged one by one
NAMED: Final = 5  # unsettled products

SLOW: Final = "listener_slow"
REBUILDING: Final = frozenset({State.SCANNING, State.REBUILDING})

RESTLESS: Final = "verify when fewer products are written; these were, all the time"
START_IT: Final = "start run_listener.py with the same EVERSHELF_DATA_DIR; then again"
REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        HELD: (
            "held by the shrink guard: wait for EVERSHELF_SHRINK_GRACE_S, or vouch "
            "for the collection with POST /train?full=1; then again"
        ),
        LISTENER_ABSENT: START_IT,
        LISTENER_SILENT: START_IT,
        State.STOPPING: START_IT,
        NEWEST_UNREADABLE: "check the disk; the next generation may mend it",
    }
)
SEE_ITS_LOG: Final = "see the listener's log; then again"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Report:
    """
    What a comparison found.

    Attributes:
        differences: All of them.
        products: In the collection.
        generation: The number of what was compared first.
        rankings: How many products' rankings were compared.
        rechecked: Products that were written meanwhile, and compared afterwards.
        unsettled: Keys of products that never rested, and were not compared.
        behind: Why the model never came to where the collection was, one word; empty
            when it did.
        took_s: How long it took.
    """

    differences: tuple[Difference, ...]
    products: int
    generation: int
    rankings: int
    rechecked: int
    unsettled: tuple[bytes, ...]
    behind: str
    took_s: float

    @property
    def is_equal(self) -> bool:
        """
        Whether the model is proven to be what the collection says.
        """
        return not (self.differences or self.unsettled or self.behind)


@dataclass(frozen=True, slots=True)
class _Meeting:
    """
    The truth and a snapshot at about one time.

    Attributes:
        moving: Keys of which one may hold a newer product than the other.
        behind: As in a report; then the snapshot may lack anything.
    """

    snapshot: Snapshot
    moving: frozenset[bytes]
    behind: str


class _Serving:
    """
    What servers of a store serve.
    """

    def __init__(
        self, reader: StoreReader, clock: Clock, pause: Callable[[float], object]
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._pause = pause
        self._served = Served()

    def at(self, time: ClusterTime, patience_s: float) -> tuple[Snapshot, str]:
        """
        Return a snapshot that holds all written up to *time*, and nothing; or, when it
        does not come, the newest there is, and why.

        Raises:
            StoreEmpty: There is no model yet.
            StoreCorrupt: None can be loaded, for so long.
        """
        deadline = self._clock.monotonic() + patience_s
        while True:
            self._served = read_next(self._reader, self._served)
            is_late = self._clock.monotonic() >= deadline
            if self._served.snapshot is not None:
                behind = self._behind(self._served.snapshot, time)
                if not behind or behind == HELD or is_late:
                    return self._served.snapshot, behind
            elif not self._served.fault:
                raise StoreEmpty
            elif is_late:
                raise StoreCorrupt(self._served.fault)
            self._pause(POLL_S)

    def _behind(self, snapshot: Snapshot, time: ClusterTime) -> str:
        fresh = freshness(snapshot, self._served, self._clock.wall())
        position = self._served.position
        # What is rebuilt is of a time that the database may not know any more.
        is_lost = position is not None and position.state in REBUILDING
        if fresh.as_of >= time and not is_lost:
            return ""
        return fresh.reason or SLOW


@dataclass(frozen=True, slots=True)
class Verification:
    """
    Compares a store with the collection that it follows.

    Attributes:
        patience_s: How long to wait for the listener to catch up, and then for
            products that are being written to rest.
        pause: Waits for so many seconds.
        show: Shows how much of the collection has been read.
        reading: How the collection is read; by default in this thread.
    """

    source: Source
    reader: StoreReader
    weights: Weights
    clock: Clock
    patience_s: float = PATIENCE_S
    pause: Callable[[float], object] = time.sleep
    show: Show = shown
    reading: Reading | None = None

    def run(self) -> Report:
        """
        Return in what they differ.

        Products written meanwhile are compared once the model has passed them.

        Raises:
            StoreEmpty: There is no model yet.
            StoreCorrupt: No model can be loaded.
            Unreachable: The database cannot be read or followed, or the collection was
                replaced meanwhile: verify again.
            Refused: The database does not allow it.
        """
        try:
            return self._run()
        except PositionLost as error:
            msg = f"the stream was lost meanwhile, {error.reason}: verify again"
            raise Unreachable(msg) from error

    def _run(self) -> Report:
        started = self.clock.monotonic()
        serving = _Serving(self.reader, self.clock, self.pause)
        with self.source.follow(None) as feed:
            truth = Truth(
                self.source,
                feed,
                self.reading or ReadHere(self.weights),
                self.clock,
                self.patience_s,
                self.show,
            )
            first = self._settle(truth, serving)
            found = list(
                differences(
                    first.snapshot,
                    truth.products,
                    self.weights,
                    first.moving,
                    truth.terms,
                )
            )
            pending, behind = first.moving, first.behind
            if not behind:
                pending, behind = self._recheck(truth, serving, pending, found)
        return Report(
            differences=tuple(found),
            products=len(truth.products),
            generation=first.snapshot.manifest.generation,
            rankings=rankings_of(first.snapshot.products),
            rechecked=len(first.moving) - len(pending),
            unsettled=tuple(sorted(pending)),
            behind=behind,
            took_s=self.clock.monotonic() - started,
        )

    def _settle(self, truth: Truth, serving: _Serving) -> _Meeting:
        """
        Return a meeting in which nothing moves, if there is one soon.
        """
        deadline = self.clock.monotonic() + min(QUIET_S, self.patience_s)
        while True:
            meeting = self._meet(truth, serving)
            is_late = self.clock.monotonic() >= deadline
            if not meeting.moving or meeting.behind or is_late:
                return meeting

    def _meet(self, truth: Truth, serving: _Serving) -> _Meeting:
        """
        Bring the truth and a snapshot to one time or beyond.

        A product that the truth did not take in after that time was asked for was not
        written between it and the end, so it is the same in both, however far the one
        ran ahead of the other.
        """
        time = self.source.now()
        ahead = truth.follow_to(time)
        snapshot, behind = serving.at(time, self.patience_s)
        return _Meeting(snapshot, ahead | truth.follow_to(self.source.now()), behind)

    def _recheck(
        self,
        truth: Truth,
        serving: _Serving,
        moving: frozenset[bytes],
        found: list[Difference],
    ) -> tuple[frozenset[bytes], str]:
        """
        Compare *moving* products when they rest; return those that never do, and
        whether the model fell behind.
        """
        deadline = self.clock.monotonic() + self.patience_s
        while moving and self.clock.monotonic() < deadline:
            meeting = self._meet(truth, serving)
            if meeting.behind:
                return moving, meeting.behind
            for key in sorted(moving - meeting.moving):
                found += self._one(meeting.snapshot, truth.products.get(key), key)
            moving &= meeting.moving
        return moving, ""

    def _one(
        self, snapshot: Snapshot, product: Product | None, key: bytes
    ) -> Iterator[Difference]:
        row = snapshot.find(key)
        if row is not None and product is not None:
            terms = term_weights(product, self.weights)
            return row_differences(row, product, terms)
        return presence_differences(
            {} if row is None else {key: row},
            {} if product is None else {key: product},
        )


def say(report: Report) -> None:
    """
    Log what was found.
    """
    if report.behind:
        remedy = REMEDIES.get(report.behind, SEE_ITS_LOG)
        log.error("verify.behind", reason=report.behind, remedy=remedy)
    if report.unsettled:
        _say_unsettled(report.unsettled)
    for difference in report.differences[:SHOWN]:
        log.error(
            "verify.difference",
            product_id=difference.product_id,
            what=difference.what,
            model=difference.model,
            collection=difference.collection,
        )
    log.info(
        "verify.done",
        equal=report.is_equal,
        differences=len(report.differences),
        products=report.products,
        rankings=report.rankings,
        rechecked=report.rechecked,
        unsettled=len(report.unsettled),
        behind=report.behind,
        took_s=round(report.took_s, 2),
    )


def _say_unsettled(keys: Collection[bytes]) -> None:
    log.error(
        "verify.unsettled",
        count=len(keys),
        product_ids=[to_address(key) for key in list(keys)[:NAMED]],
        remedy=RESTLESS,
    )
