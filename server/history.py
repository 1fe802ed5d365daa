"""
What the last generations have changed for visitors.
"""

from __future__ import annotations

import threading

from collections import deque
from dataclasses import dataclass
from typing import Final

import xxhash

from recommender.difference import Difference, difference
from recommender.manifest import Manifest
from recommender.position import ClusterTime
from recommender.snapshot import Snapshot


MOST_CHANGES: Final = 1_000  # kept for who comes back
MOST_KEYS: Final = 50_000  # in all of them; some megabytes


@dataclass(frozen=True, slots=True)
class Change:
    """
    A generation that was served.

    Attributes:
        id: Its number, and a mark of what is in it: stores made anew use numbers again.
        generation: Its number.
        as_of: Every write acknowledged at or before this is in it.
        visible: How many products visitors can see.
        difference: To the one served before.
    """

    id: str
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
        self._base = ""  # the id of the generation before the oldest change
        self._newest: Change | None = None
        self._mutex = threading.Lock()

    @property
    def newest(self) -> Change | None:
        """
        The newest generation, as if it had changed nothing; None before the first.
        """
        return self._newest

    def note(self, before: Snapshot | None, after: Snapshot) -> Difference | None:
        """
        Take in that *after* is served instead of *before*; return what has changed,
        None when that is not known.

        A number that does not grow tells of a store that was made anew.
        """
        if before is None or after.generation <= before.generation:
            with self._mutex:
                self._changes.clear()
                self._newest = _to_change(after, Difference())
                self._keys, self._base = 0, self._newest.id
            return None
        change = _to_change(after, difference(before, after))
        with self._mutex:
            self._changes.append(change)
            self._newest = _to_change(after, Difference())
            self._keys += _size(change)
            while len(self._changes) > MOST_CHANGES or self._keys > MOST_KEYS:
                oldest = self._changes.popleft()
                self._keys -= _size(oldest)
                self._base = oldest.id
        return change.difference

    def since(self, known: str) -> list[Change] | None:
        """
        Return the changes after the one with the id *known*, oldest first; None when
        there was no such change, or it is forgotten.
        """
        missed: list[Change] = []
        with self._mutex:
            for change in reversed(self._changes):
                if change.id == known:
                    return missed[::-1]
                missed.append(change)
            return missed[::-1] if self._newest and known == self._base else None


def _to_change(snapshot: Snapshot, difference: Difference) -> Change:
    return Change(
        _to_id(snapshot.manifest),
        snapshot.generation,
        snapshot.manifest.as_of,
        snapshot.visible,
        difference,
    )


def _to_id(manifest: Manifest) -> str:
    """
    Return what is the same for each server that reads this generation.
    """
    content = "".join(segment.checksum for segment in manifest.segments)
    return f"{manifest.generation}-{xxhash.xxh3_64_hexdigest(content.encode())}"


def _size(change: Change) -> int:
    return len(change.difference.changed) + len(change.difference.gone)
