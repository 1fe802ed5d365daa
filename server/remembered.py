"""
Answers, remembered for as long as they would be worked out just so again.
"""

from __future__ import annotations

import threading

from collections import OrderedDict, deque
from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Final

from recommender.difference import Difference
from recommender.lasting import are_lasting
from recommender.snapshot import Snapshot
from server.answers import Items


LARGEST: Final = 16 * 1_024 * 1_024  # bytes
ENTRY: Final = 1_024  # bytes; what an entry takes beside address, body and keys
KEY: Final = 96  # bytes; what each key takes beside its own
MOST_CHANGES: Final = 256  # that an answer may outlive without being asked for


class Lasts(Enum):
    """
    How long an answer may be good, if no product in it changes.
    """

    FOR_NOW = "for one snapshot"
    BY_SCORES = "as long as no score is another, and nobody new is found"
    BY_ITSELF = "whatever happens to other products"


@dataclass(slots=True)
class _Entry:
    """
    An answer.

    Attributes:
        keys: Of the products in it.
        size: In bytes, with all that is held beside it.
        change: Up to which it is known to be good.
    """

    items: Items
    keys: Set[bytes]
    size: int
    lasts: Lasts
    change: int


class Remembered:
    """
    Those to what was asked last; the longest not asked for is forgotten first.

    `note` is for the thread that loads, the rest for those that answer.
    """

    def __init__(self, note_hit: Callable[[], None], largest: int = LARGEST) -> None:
        """
        Args:
            note_hit: Called for each answer that is found.
            largest: How many bytes they may take.
        """
        self._note_hit = note_hit
        self._largest = largest
        self._size = 0
        self._snapshot: Snapshot | None = None
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._changes: deque[Set[bytes]] = deque(maxlen=MOST_CHANGES)
        self._change = 0  # the number of the newest
        self._scores = 0  # the number of the newest after which scores are others
        self._mutex = threading.Lock()

    def note(
        self, before: Snapshot | None, after: Snapshot, moved: Difference | None
    ) -> None:
        """
        Take in that *after* is served instead of *before*.

        Args:
            moved: What is other for visitors; None where that is not known.
        """
        keys: Set[bytes] | None = None  # of all that has moved, where that is known
        do_scores_last = False
        if before is not None and moved is not None and moved.is_complete:
            keys = frozenset(moved.changed + moved.gone)
            do_scores_last = are_lasting(before, after, moved)
        with self._mutex:
            if keys is None or self._snapshot is not before:
                self._entries.clear()
                self._changes.clear()
                self._size = 0
            else:
                self._change += 1
                self._changes.append(keys)
                if not do_scores_last:
                    self._scores = self._change
            self._snapshot = after

    def find(self, snapshot: Snapshot, asked: str) -> Items | None:
        """
        Return the answer that *snapshot* gives to what is *asked*; None when it must be
        worked out.
        """
        with self._mutex:
            entry = self._entries.get(asked)
            if entry is None or snapshot is not self._snapshot:
                return None
            if not self._is_good(entry):
                self._forget(asked)
                return None
            entry.change = self._change
            self._entries.move_to_end(asked)
        self._note_hit()
        return entry.items

    def keep(
        self, snapshot: Snapshot, asked: str, items: Items, *, about: frozenset[bytes],
        lasts: Lasts,
    ) -> None:  # fmt: skip
        """
        Remember what *snapshot* has answered.

        Args:
            asked: The address, with all that the answer depends on.
            about: Keys of the products asked about.
        """
        keys = about.union(items.keys)
        size = ENTRY + len(asked) + len(items.body)
        size += KEY * len(keys) + sum(map(len, keys))
        with self._mutex:
            if snapshot is not self._snapshot:
                return
            self._forget(asked)
            self._entries[asked] = _Entry(items, keys, size, lasts, self._change)
            self._size += size
            while self._size > self._largest:
                self._forget(next(iter(self._entries)))

    def _is_good(self, entry: _Entry) -> bool:
        missed = self._change - entry.change
        if not missed:
            return True
        if entry.lasts is Lasts.FOR_NOW or missed > len(self._changes):
            return False
        if entry.lasts is Lasts.BY_SCORES and entry.change < self._scores:
            return False
        later = islice(self._changes, len(self._changes) - missed, None)
        return all(entry.keys.isdisjoint(keys) for keys in later)

    def _forget(self, asked: str) -> None:
        entry = self._entries.pop(asked, None)
        if entry is not None:
            self._size -= entry.size
