"""
What the last generations have changed for visitors.
"""

from __future__ import annotations

import threading

from collections import deque
from dataclasses import dataclass
from typing import Final

from recommender.difference import Difference, difference
from recommender.position import ClusterTime
from recommender.snapshot import Snapshot


MOST_CHANGES: Final = 1_000  # kept for who comes back
MOST_KEYS: Final = 50_000  # in all of them; some megabytes


@dataclass(frozen=True, slots=True)
class Change:
    """
    A generation that was served.

    Attributes:
        generation: Its number.
        as_of: Every write acknowledged at or before this is in it.
        visible: How many products visitors can see.
        difference: To the one served before.
    """

    generation: int
    as_of: ClusterTime
    visible: int
    difference: Difference


class History:
    """
    Written by the thread that loads, read by any.
    """

    def __init__(self) -> None:
        self._changes: deque[Change] = deque()
        self._keys = 0
        self._base = 0  # the generation before the oldest change
        self._newest: Change | None = None
        self._epoch = 0
        self._mutex = threading.Lock()

    @property
    def newest(self) -> Change | None:
        """
        The newest generation, as if it had changed nothing; None before the first.
        """
        return self._newest

    @property
    def epoch(self) -> int:
        """
        Another one as soon as nobody can go on from what came before.
        """
        return self._epoch

    def note(self, before: Snapshot | None, after: Snapshot) -> None:
        """
        Take in that *after* is served instead of *before*.

        A number that does not grow tells of a store that was made anew.
        """
        if before is None or after.generation <= before.generation:
            with self._mutex:
                self._changes.clear()
                self._keys, self._base = 0, after.generation
                self._epoch += 1
                self._newest = _to_change(after, Difference())
            return
        change = _to_change(after, difference(before, after))
        with self._mutex:
            self._changes.append(change)
            self._newest = _to_change(after, Difference())
            self._keys += _size(change)
            while len(self._changes) > MOST_CHANGES or self._keys > MOST_KEYS:
                oldest = self._changes.popleft()
                self._keys -= _size(oldest)
                self._base = oldest.generation

    def since(self, generation: int) -> list[Change] | None:
        """
        Return the changes after *generation*, oldest first; None when they are not
        all known, or when there was no such generation.
        """
        with self._mutex:
            newest = self._newest.generation if self._newest else -1
            if not self._base <= generation <= newest:
                return None
            return [c for c in self._changes if c.generation > generation]


def _to_change(snapshot: Snapshot, difference: Difference) -> Change:
    return Change(
        snapshot.generation, snapshot.manifest.as_of, snapshot.visible, difference
    )


def _size(change: Change) -> int:
    return len(change.difference.changed) + len(change.difference.gone)
