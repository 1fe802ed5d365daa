"""
A set of hashes that takes their own eight bytes each, where Python's takes about 75.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from numpy.typing import NDArray


LOOSE: Final = 1_024
GROWTH: Final = 2  # a run is at least so many times as long as the next


class HashSet:
    """
    Unsigned integers of 64 bits. One thread owns it.

    The newest are loose; from time to time they become a sorted run, which is merged
    with those before it that are not much longer. So adding takes O(log n) moves in
    all, looking up one binary search in each of O(log n) runs. One that is added again
    and again may be in each of them, and yet they are at most twice as long as there
    are hashes.
    """

    def __init__(self, loose: int = LOOSE) -> None:
        """
        Keep fewer than *loose* of them as Python has them.
        """
        self._most_loose = loose
        self._loose: set[int] = set()
        self._runs: list[NDArray[np.uint64]] = []  # the longest first

    def add(self, value: int) -> None:
        """
        Add a hash.
        """
        self._loose.add(value)
        if len(self._loose) >= self._most_loose:
            self._settle()

    def __contains__(self, value: int) -> bool:
        return value in self._loose or any(_holds(run, value) for run in self._runs)

    @property
    def nbytes(self) -> int:
        """
        Bytes of the runs.
        """
        return sum(run.nbytes for run in self._runs)

    def _settle(self) -> None:
        run = np.sort(np.fromiter(self._loose, np.uint64, len(self._loose)))
        self._loose.clear()
        while self._runs and len(self._runs[-1]) < GROWTH * len(run):
            run = _merged(self._runs.pop(), run)
        self._runs.append(run)


def _holds(run: NDArray[np.uint64], value: int) -> bool:
    at = int(np.searchsorted(run, np.uint64(value)))
    return at < len(run) and int(run[at]) == value


def _merged(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """
    Return what is in either of two runs, sorted.
    """
    both = np.concatenate([one, other])
    both.sort(kind="stable")  # which merges what is sorted already
    is_first = np.ones(len(both), np.bool_)
    np.not_equal(both[1:], both[:-1], out=is_first[1:])
    return both[is_first]
