"""
Whether what was found in one snapshot is found in a later one, too.
"""

from __future__ import annotations

import numpy as np

from recommender.difference import Difference
from recommender.snapshot import Row, Snapshot


def are_lasting(before: Snapshot, after: Snapshot, moved: Difference) -> bool:
    """
    Return whether everything that can be found without filters is the same in both,
    with the same score, where no product that *moved* is asked about or found.

    It is when no score has changed, and what a visitor may see now was to be seen
    before, with the same terms. Reading it costs what the change costs.

    Args:
        moved: From *before* to *after*.
    """
    if not moved.is_complete or after.corpus is not before.corpus:
        return False
    return all(_is_found_alike(key, before, after) for key in moved.changed)


def _is_found_alike(key: bytes, before: Snapshot, after: Snapshot) -> bool:
    was, now = before.find(key), after.find(key)
    if was is None or now is None or not was.visible:
        return False
    return _are_alike(before, was, after, now)


def _are_alike(before: Snapshot, was: Row, after: Snapshot, now: Row) -> bool:
    ours, theirs = before.vector(was), after.vector(now)
    return np.array_equal(ours.hashes, theirs.hashes) and np.array_equal(
        ours.values, theirs.values
    )
