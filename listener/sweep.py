"""
The background sweep: what the model holds against what the collection holds.

They never differ unless something is broken: a defect of ours, a bit that fell over.
The sweep reads the collection stretch by stretch, slowly, beside the loop, and
compares each stretch once the model has come as far as the read. A product of which
no write has been applied since before the read must then be the same on both sides;
any other has just been read again anyhow. What no stretch brought, and nobody wrote,
is not in the collection. So whatever differs is a fault, however much is being written.
"""

from __future__ import annotations

import random

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import structlog

from listener.background import in_background
from listener.clock import Clock
from listener.feed import Batch, PageEnd
from listener.model import Model
from listener.status import Status, Swept
from listener.stretch import Stretch, StretchReader
from recommender.address import to_address
from recommender.backoff import LONGEST_REFUSED_S, delay_s
from recommender.hash_set import HashSet
from recommender.mutation import Clear, Delete, Mutation, Upsert
from recommender.segment import key_hash


MOST_ROWS: Final = 50  # compared in one go, which takes the loop a millisecond or two
MOST_KEYS: Final = 500  # the same for keys that are only looked up
LEAST_PASS_S: Final = 600.0  # a small catalogue need not be read without end
GONE: Final = ("gone",)  # what differs of a product that the collection does not have
LONGEST_ID: Final = 200  # characters of an id in a line
PARTING_S: Final = 1.0  # a read that waits for a dead server is left behind

log = structlog.get_logger()


@dataclass(slots=True)
class _Pass:
    """
    One way through the collection, with one model.

    Attributes:
        before: What had been done when it began.
        place: Where the next stretch begins.
        accounted: Hashes of the keys that a stretch has brought or somebody has
            written since the pass began.
        keys: Those of the model, while they are looked for in `accounted`.
    """

    model: Model
    began_at: float
    before: Swept
    place: PageEnd | None = None
    accounted: HashSet = field(default_factory=HashSet)
    keys: Iterator[bytes] | None = None
    has_failed: bool = False


class Sweep:
    """
    Goes through the collection again and again. One thread owns it.
    """

    def __init__(
        self, reader: StretchReader, status: Status, clock: Clock, *, per_s: int
    ) -> None:
        """
        Read at most *per_s* products a second; none at all when it is 0.
        """
        self._reader = reader
        self._status = status
        self._clock = clock
        self._per_s = per_s
        self._pass: _Pass | None = None
        self._reading: Future[Stretch] | None = None
        self._stretch: Stretch | None = None  # waits until the model has come as far
        self._written = HashSet()  # of keys, since before it was read
        self._next_at = clock.monotonic()
        self._failures = 0  # in a row

    def note(self, mutations: Iterable[Mutation]) -> None:
        """
        Record what is applied to the model; all of it, or there are false alarms.
        """
        if self._pass is None:
            return
        for mutation in mutations:
            match mutation:
                case Upsert(product):
                    self._account(self._pass, product.key)
                case Delete(key):
                    self._account(self._pass, key)
                case Clear():
                    self._abandon()
                    return

    def _account(self, current: _Pass, key: bytes) -> None:
        hashed = key_hash(key)
        self._written.add(hashed)
        current.accounted.add(hashed)

    def tend(self, model: Model) -> Batch | None:
        """
        Do what is due, a millisecond or two of it, and return what must be applied to
        *model* to repair it; nearly always None. Another model than before begins
        another pass.
        """
        if not self._per_s:
            return None
        if self._pass is not None and self._pass.model is not model:
            self._abandon()
        if self._pass is not None and self._pass.keys is not None:
            return self._look_up(self._pass, self._pass.keys)
        if self._reading is not None and self._reading.done():
            self._take(self._reading)
        if self._pass is not None and self._stretch is not None:
            return self._compare(self._pass, self._stretch)
        if self._reading is None and self._clock.monotonic() >= self._next_at:
            self._read(model)
        return None

    def close(self) -> None:
        """
        Wait for the read under way, but not for long.
        """
        wait([self._reading] if self._reading else [], PARTING_S)

    def _abandon(self) -> None:
        self._pass = self._reading = self._stretch = None

    def _read(self, model: Model) -> None:
        """
        Read the next stretch, of a new pass if need be.

        What is written counts from here on: the read begins after it.
        """
        now = self._clock.monotonic()
        if self._pass is None:
            self._pass = _Pass(model, now, self._status.swept)
        self._written = HashSet()
        limit = min(MOST_ROWS, self._per_s)
        self._next_at = now + limit / self._per_s
        after, since = self._pass.place, model.mark.as_of
        self._reading = in_background(
            lambda: self._reader.read(after, limit, since), "sweep"
        )

    def _take(self, done: Future[Stretch]) -> None:
        """
        Take the stretch that was read; when it could not be, it is tried again later.
        A defect of the sweep stops nothing else.
        """
        self._reading = None
        error = done.exception()
        if error is None:
            self._failures = 0
            self._stretch = done.result()
            return
        self._failures += 1
        luck = random.random()  # noqa: S311
        wait_s = delay_s(self._failures, luck, LONGEST_REFUSED_S)
        self._next_at = max(self._next_at, self._clock.monotonic() + wait_s)
        if self._pass is not None and not self._pass.has_failed:
            self._pass.has_failed = True
            log.warning("sweep.failed", error=f"{type(error).__name__}: {error}")

    def _compare(self, current: _Pass, stretch: Stretch) -> Batch | None:
        """
        Compare a stretch, if the model has come as far.
        """
        model = current.model
        if model.mark.as_of < stretch.as_of:
            return None
        self._stretch = None
        settled = {
            key: said
            for key, said in stretch.rows.items()
            if key_hash(key) not in self._written
        }
        found = model.index.unlike(settled)
        for key in stretch.rows:
            current.accounted.add(key_hash(key))
        current.place = stretch.end
        if stretch.end is None:
            current.keys = model.index.keys()
        unsettled = len(stretch.rows) - len(settled)
        self._count(checked=len(settled), unsettled=unsettled)
        # An upsert alone would not touch a row whose hash of the content is right.
        return self._repair(
            current,
            found,
            [
                mutation
                for key in found
                for mutation in (Delete(key), Upsert(stretch.products[key]))
            ],
        )

    def _look_up(self, current: _Pass, keys: Iterator[bytes]) -> Batch | None:
        """
        Look for products that only the model has; after the last one the pass is over.
        """
        some = list(islice(keys, MOST_KEYS))
        gone = [
            key
            for key in some
            if key_hash(key) not in current.accounted
            and current.model.index.content(key) is not None
        ]
        batch = self._repair(
            current, dict.fromkeys(gone, GONE), list(map(Delete, gone))
        )
        if len(some) < MOST_KEYS:
            self._finish(current)
        return batch

    def _repair(
        self,
        current: _Pass,
        found: Mapping[bytes, Sequence[str]],
        mutations: Sequence[Mutation],
    ) -> Batch | None:
        """
        Return what puts right what was found, and say so.
        """
        if not found:
            return None
        current.model.index.recount()  # a damaged row may have been counted as another
        self._count(repaired=len(found))
        log.error(
            "sweep.repaired",
            count=len(found),
            what={to_address(key)[:LONGEST_ID]: [*found[key]] for key in found},
        )
        return Batch(
            mutations=mutations,
            reached=None,
            read_time=current.model.mark.as_of,
            events=Counter(),
            written_s=None,
            is_last=True,
        )

    def _finish(self, current: _Pass) -> None:
        self._count(passes=1)
        swept, before = self._status.swept, current.before
        log.info(
            "sweep.done",
            checked=swept.checked - before.checked,
            unsettled=swept.unsettled - before.unsettled,
            repaired=swept.repaired - before.repaired,
            took_s=round(self._clock.monotonic() - current.began_at, 2),
        )
        self._next_at = max(self._next_at, current.began_at + LEAST_PASS_S)
        self._abandon()

    def _count(
        self,
        *,
        passes: int = 0,
        checked: int = 0,
        unsettled: int = 0,
        repaired: int = 0,
    ) -> None:
        swept = self._status.swept
        self._status.swept = Swept(
            swept.passes + passes,
            swept.checked + checked,
            swept.unsettled + unsettled,
            swept.repaired + repaired,
        )
