"""
A collection in memory, to be followed as `listener.feed.Source` says, and stricter.

It takes every freedom that the interface leaves: batches in parts, in any order, what
is known told late or not at all, products read twice or out of date by a scan. It
fails when told to, and when its user breaks a rule.
"""

from __future__ import annotations

import random
import threading

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from listener.errors import ListenerError, PositionLost
from listener.feed import EVERYTHING, Batch, IdRange, Mark, Page, PageEnd
from recommender.mutation import Delete, Mutation, Upsert
from recommender.position import ClusterTime
from recommender.product import Product
from tests.support.clock import EPOCH
from tests.support.listener import at


START = 10  # the database's time at first
MOST_EVENTS = 5  # in a batch


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One line of the log: a write to a key, or the end of the collection.
    """

    time: ClusterTime
    key: bytes = b""
    end: str = ""


@dataclass(slots=True)
class Faults:
    """
    What fails, by method and call; each once.
    """

    calls: Counter[str] = field(default_factory=Counter)
    _due: dict[tuple[str, int], ListenerError] = field(default_factory=dict)

    def plan(self, method: str, error: ListenerError, nth: int = 1) -> None:
        """
        Let the *nth* call of *method* from now on fail.
        """
        self._due[method, self.calls[method] + nth] = error

    @property
    def due(self) -> int:
        """
        How many calls will fail.
        """
        return len(self._due)

    def clear(self) -> None:
        """
        Let nothing more fail.
        """
        self._due.clear()

    def check(self, method: str) -> None:
        """
        Count a call, and fail if it is to fail.
        """
        self.calls[method] += 1
        error = self._due.pop((method, self.calls[method]), None)
        if error is not None:
            raise error


class FakeSource:
    """
    See `listener.feed.Source`. Any thread may use it.

    Attributes:
        documents: What is in the collection now.
        faults: What will fail.
        open_feeds: How many contexts are open.
        on_idle: Called with the timeout when a feed waits in vain.
        read: How many products pages have brought.
        during_scan: What is done before each batch of a scan, one by one.
        is_mute: Whether feeds tell what the time is, but not what was written.
    """

    def __init__(
        self,
        products: Sequence[Product] = (),
        *,
        seed: int = 0,
        on_idle: Callable[[float], None] = lambda _timeout_s: None,
    ) -> None:
        self.documents: dict[bytes, Product] = {p.key: p for p in products}
        self.faults = Faults()
        self.open_feeds = 0
        self.on_idle = on_idle
        self.read = 0
        self.during_scan: list[Callable[[], object]] = []
        self.is_mute = False
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self._time = at(START)
        self.log: list[Entry] = []
        self.forgotten = 0  # entries at the log's beginning that are no more
        self._incarnation = 1
        self._given: dict[str, int] = {}  # checkpoints, and where they lead on
        self._history: dict[bytes, list[tuple[ClusterTime, Product | None]]] = (
            defaultdict(list)
        )
        for product in products:
            self._history[product.key] = [(self._time, product)]

    # what a shop does

    def put(self, *products: Product) -> ClusterTime:
        """
        Insert or replace products, one write after the other.
        """
        with self.lock:
            for product in products:
                self._write({product.key: product})
            return self._time

    def delete(self, *keys: bytes) -> ClusterTime:
        """
        Delete products, one write after the other.
        """
        with self.lock:
            for key in keys:
                self._write({key: None})
            return self._time

    def transact(self, changes: Mapping[bytes, Product | None]) -> ClusterTime:
        """
        Write all *changes* at one time; None deletes.
        """
        with self.lock:
            self._write(changes)
            return self._time

    def tick(self) -> ClusterTime:
        """
        Let something else in the database be written.
        """
        with self.lock:
            self._time = at(self._time.increment + 1)
            return self._time

    def replace(self, products: Sequence[Product] = ()) -> None:
        """
        Drop the collection, and make it anew with *products*.
        """
        with self.lock:
            gone = self.documents.keys() - {product.key for product in products}
            self.log.append(Entry(self.tick(), end="collection_dropped"))
            self.documents.clear()
            self._incarnation += 1
            time = self.tick()
            self.documents |= {product.key: product for product in products}
            for key in gone:
                self._history[key].append((time, None))
            for product in products:
                self._history[product.key].append((time, product))

    def forget(self) -> None:
        """
        Let the log roll past all that is in it.
        """
        with self.lock:
            self.forgotten = len(self.log)

    def versions(self, key: bytes, as_of: ClusterTime) -> list[Product | None]:
        """
        Return what a product may be in a model that claims to be good up to *as_of*:
        what it was then, or became later.
        """
        with self.lock:
            history = self._history[key]
            then = [product for time, product in history if time <= as_of]
            later = [product for time, product in history if time > as_of]
            return [then[-1] if then else None, *later]

    @property
    def keys(self) -> list[bytes]:
        """
        The keys of all products that ever were.
        """
        with self.lock:
            return list(self._history)

    @property
    def time(self) -> ClusterTime:
        """
        The database's time.
        """
        return self._time

    def _write(self, changes: Mapping[bytes, Product | None]) -> None:
        time = self.tick()
        for key, product in changes.items():
            if product is None:
                self.documents.pop(key, None)
            else:
                self.documents[key] = product
            self._history[key].append((time, product))
            self.log.append(Entry(time, key))

    # what the listener sees

    def identity(self) -> str:
        """
        See `Source`.
        """
        with self.lock:
            self.faults.check("identity")
            return f"fake/{self._incarnation}"

    def now(self) -> ClusterTime:
        """
        See `Source`.
        """
        with self.lock:
            self.faults.check("now")
            return self._time

    def follow(self, checkpoint: str | None) -> FakeFeed:
        """
        See `Source`; refuses a checkpoint that was never given.
        """
        with self.lock:
            self.faults.check("follow")
            if checkpoint is not None and checkpoint not in self._given:
                reason = "bad_token"
                raise PositionLost(reason)
            return FakeFeed(self, checkpoint)

    def count(self) -> int:
        """
        See `Source`; about.
        """
        with self.lock:
            self.faults.check("count")
            return max(len(self.documents) + self.random.randint(-1, 1), 0)

    def split(self, rows: int) -> Sequence[IdRange]:
        """
        See `Source`; at any places, whatever was asked.
        """
        with self.lock:
            self.faults.check("split")
            keys = sorted(self.documents)
            assert rows > 0
            chosen = self.random.sample(keys, self.random.randint(0, min(3, len(keys))))
        places = [None, *map(PageEnd, sorted(chosen)), None]
        return [IdRange(*some) for some in pairwise(places)]

    def scan(self, within: IdRange = EVERYTHING) -> Iterator[Sequence[Product]]:
        """
        See `Source`.
        """
        with self.lock:
            self.faults.check("scan")
            before = {
                key: product
                for key, product in self.documents.items()
                if _is_within(key, within)
            }
        waiting = list(before)
        self.random.shuffle(waiting)
        while True:
            with self.lock:
                if self.during_scan:
                    self.during_scan.pop(0)()
                self.faults.check("batch")
                if not waiting:
                    return
                chosen = [waiting.pop() for _ in range(min(3, len(waiting)))]
                batch = [p for key in chosen for p in self._scanned(before, key)]
            if batch:
                yield batch

    def _scanned(self, before: Mapping[bytes, Product], key: bytes) -> list[Product]:
        old, new = before[key], self.documents.get(key)
        if old == new:
            return [old] * self.random.choice((1, 1, 2))
        seen = [old] if new is None else [old, new]
        return self.random.sample(seen, self.random.randint(0, len(seen)))

    def page(self, after: PageEnd | None, limit: int) -> Page:
        """
        See `Source`; often shorter than it could be.
        """
        assert limit > 0
        with self.lock:
            self.faults.check("page")
            keys = sorted(self.documents)
            start = 0 if after is None else bisect_right(keys, cast("bytes", after.id))
            few = keys[start : start + self.random.randint(1, limit)]
            self.read += len(few)
            is_end = start + len(few) == len(keys) and self.random.random() < 0.5
            end = None if is_end or not few else PageEnd(few[-1])
            return Page([self.documents[key] for key in few], end)

    def give(self, position: int) -> str:
        """
        Return a checkpoint that leads on from there.
        """
        checkpoint = f"{self._incarnation}/{position}/{len(self._given)}"
        self._given[checkpoint] = position
        return checkpoint

    def position(self, checkpoint: str | None) -> int:
        """
        Return where a checkpoint leads on; without one, the end of the log.
        """
        return len(self.log) if checkpoint is None else self._given[checkpoint]


class FakeFeed:
    """
    See `listener.feed.Feed`.
    """

    def __init__(self, source: FakeSource, checkpoint: str | None) -> None:
        self._source = source
        self._checkpoint = checkpoint
        self._position = 0
        self._known = ClusterTime(0, 0)
        self._parts: list[list[bytes]] = []
        self._events = 0
        self._state = "new"

    def __enter__(self) -> FakeFeed:
        assert self._state == "new", f"entered while {self._state}"
        with self._source.lock:
            self._state = "open"
            self._source.open_feeds += 1
            self._position = self._source.position(self._checkpoint)
            self._known = self._time_at(self._position)
        return self

    def __exit__(self, *_error: Any) -> None:
        assert self._state in {"open", "dead"}, f"left while {self._state}"
        with self._source.lock:
            self._source.open_feeds -= 1
            self._state = "left"

    def take(self, timeout_s: float) -> Batch | None:
        """
        See `Feed`; once it has failed nothing more may be asked of it.
        """
        assert self._state == "open", f"taken from while {self._state}"
        assert timeout_s >= 0
        try:
            with self._source.lock:
                self._source.faults.check("take")
                batch = self._take()
        except ListenerError:
            self._state = "dead"
            raise
        if batch is None:
            self._source.on_idle(timeout_s)
        return batch

    @property
    def waiting(self) -> int:
        """
        How many writes have not come.
        """
        return len(self._source.log) - self._position

    def _take(self) -> Batch | None:
        source = self._source
        if self._parts:
            return self._next_part()
        if self._position < source.forgotten:
            reason = "history_lost"
            raise PositionLost(reason)
        if source.is_mute:
            return self._nothing_but_the_time()
        arrived = source.log[self._position :]
        if not arrived:
            return self._idle()
        chunk = arrived[: source.random.randint(1, MOST_EVENTS)]
        ends = [entry.end for entry in chunk if entry.end]
        if ends:
            raise PositionLost(ends[0])
        self._position += len(chunk)
        self._events = len(chunk)
        keys = list(dict.fromkeys(entry.key for entry in chunk))
        source.random.shuffle(keys)
        cut = source.random.randint(0, len(keys))
        self._parts = [keys[:cut], keys[cut:]] if 0 < cut < len(keys) else [keys]
        return self._next_part()

    def _idle(self) -> Batch | None:
        if self._source.random.random() < 0.5:
            return None
        self._known = self._source.time
        return self._batch([], is_whole=True)

    def _nothing_but_the_time(self) -> Batch | None:
        if self._source.random.random() < 0.5:
            return None
        return self._batch([], is_whole=False)

    def _next_part(self) -> Batch:
        keys = self._parts.pop(0)
        documents = self._source.documents
        mutations: list[Mutation] = [
            Upsert(documents[key]) if key in documents else Delete(key) for key in keys
        ]
        if self._source.random.random() < 0.2:  # told again what was told before
            mutations += mutations[:1]
        if not self._parts:
            self._known = self._time_at(self._position)
        return self._batch(mutations, is_whole=not self._parts)

    def _batch(self, mutations: Sequence[Mutation], *, is_whole: bool) -> Batch:
        source = self._source
        # what is still on its way does not wait yet
        is_last = is_whole and source.random.random() < 0.5
        mark = Mark(source.give(self._position), self._known)
        return Batch(
            mutations=mutations,
            reached=mark if is_whole else None,
            read_time=source.time,
            events=Counter(update=self._events if is_whole else 0),
            written_s=EPOCH if mutations else None,
            is_last=is_last,
        )

    def _time_at(self, position: int) -> ClusterTime:
        """
        Return the time up to which everything before *position* is all there is.
        """
        log = self._source.log
        if position == 0:
            return at(START)
        if position < len(log) and log[position].time == log[position - 1].time:
            return at(log[position].time.increment - 1)
        return log[position - 1].time


def _is_within(key: bytes, within: IdRange) -> bool:
    begin, end = within.begin, within.end
    return (begin is None or cast("bytes", begin.id) <= key) and (
        end is None or key < cast("bytes", end.id)
    )
