"""
What a visitor can see has changed from one snapshot to a later one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recommender.kernels import Hashes, Longs
from recommender.row import read_row
from recommender.segment import Segment, hash_keys
from recommender.snapshot import Snapshot


MOST_LOOKED_AT: Final = 5_000  # rows; a bulk of more is a tenth of a second's work
MOST_NAMED: Final = 500  # products; who shows more asks again for everything
# Pairs of rows, some milliseconds: what an index merges as it publishes is less. Of a
# larger merge only rows are compared that have given way where they were.
MOST_COMPARED: Final = 512
FEW: Final = 8  # of so many rows one is hashed by itself sooner than all


@dataclass(frozen=True, slots=True)
class Difference:
    """
    What has changed for visitors, by key, in order.

    Attributes:
        changed: Products that are visible now, and were not so before, or differ.
        gone: Products that were visible before, and are not now.
        is_complete: Whether all are named; else none is.
    """

    changed: tuple[bytes, ...] = ()
    gone: tuple[bytes, ...] = ()
    is_complete: bool = True


INCOMPLETE: Final = Difference(is_complete=False)


def difference(before: Snapshot, after: Snapshot) -> Difference:
    """
    Return what has changed for visitors from *before* to *after*. It costs what the
    change costs, and a merge what it has merged.
    """
    keys = _moved_keys(before, after)
    if keys is None:
        return INCOMPLETE
    changed, gone = [], []
    for key in sorted(keys):
        was, now = before.find(key), after.find(key)
        if now is not None and now.visible:
            changed.append(key)
        elif was is not None and was.visible:
            gone.append(key)
    if len(changed) + len(gone) > MOST_NAMED:
        return INCOMPLETE
    return Difference(tuple(changed), tuple(gone))


@dataclass(frozen=True, slots=True)
class _Rows:
    """
    Rows of a segment, and whether both snapshots have it.
    """

    segment: Segment
    rows: Longs
    stays: bool

    def hashes(self) -> Hashes:
        """
        Return the hashes of their keys.
        """
        if len(self.rows) * FEW > len(self.segment):
            return self.segment.hashed_keys()[self.rows]
        return hash_keys(self.segment.keys[row] for row in self.rows)


def _moved_keys(before: Snapshot, after: Snapshot) -> set[bytes] | None:
    """
    Return the keys of all products that are not the same in both; None when they are
    too many.
    """
    rows = [*_only_in(before, after), *_only_in(after, before)]
    if not rows:
        return set()
    hashes = np.concatenate([some.hashes() for some in rows])
    contents = np.concatenate([some.segment.contents[some.rows] for some in rows])
    stays = np.repeat([some.stays for some in rows], [len(some.rows) for some in rows])
    order = np.lexsort((contents, hashes))
    # a row that a merge, or a crash, has only moved is there twice
    twice = (np.diff(hashes[order]) == 0) & (np.diff(contents[order]) == 0)
    # or it says something else than it should have, and has been repaired
    doubtful = twice
    if np.count_nonzero(twice) > MOST_COMPARED:
        doubtful = twice & (stays[order[:-1]] | stays[order[1:]])
    moved = np.ones(len(order), np.bool_)
    moved[:-1] &= ~twice
    moved[1:] &= ~twice
    if np.count_nonzero(moved) + np.count_nonzero(doubtful) > MOST_LOOKED_AT:
        return None
    places = _Places(rows)
    keys = {places.key(i) for i in order[moved].tolist()}
    pairs = zip(
        order[:-1][doubtful].tolist(), order[1:][doubtful].tolist(), strict=True
    )
    return keys | {places.key(one) for one, other in pairs if places.differ(one, other)}


class _Places:
    """
    Where rows are, by their number over some segments.
    """

    def __init__(self, rows: Sequence[_Rows]) -> None:
        self._rows = rows
        self._starts = np.cumsum([0, *(len(some.rows) for some in rows)])

    def key(self, number: int) -> bytes:
        """
        Return the key of a row.
        """
        segment, row = self._find(number)
        return segment.keys[row]

    def differ(self, one: int, other: int) -> bool:
        """
        Say whether two rows say something else, or one of them cannot be read.
        """
        try:
            return read_row(*self._find(one)) != read_row(*self._find(other))
        except (IndexError, ValueError):
            return True

    def _find(self, number: int) -> tuple[Segment, int]:
        part = int(np.searchsorted(self._starts, number, "right")) - 1
        some = self._rows[part]
        return some.segment, int(some.rows[number - self._starts[part]])


def _only_in(one: Snapshot, other: Snapshot) -> Iterator[_Rows]:
    """
    Yield the rows that live in *one*, and not, in the same place, in *other*.
    """
    views = {view.segment: view for view in other.views}
    for view in one.views:
        same = views.get(view.segment)
        if same is None:
            alive = ~view.dead
        elif same.dead is not view.dead:
            alive = same.dead & ~view.dead
        else:
            continue
        rows = np.flatnonzero(alive)
        if len(rows):
            yield _Rows(view.segment, rows, same is not None)
