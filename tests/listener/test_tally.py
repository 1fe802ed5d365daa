"""
How far a long read is.
"""

from __future__ import annotations

from listener.tally import Tally


def test_counts_what_was_dealt_with() -> None:
    """
    A batch counts once the next one is asked for; in the end nothing is under way.
    """
    tally = Tally()
    seen = [(tally.done, tally.total) for _ in tally.counted([[1, 2], [3]], 3)]

    assert seen == [(0, 3), (2, 3)]
    assert (tally.done, tally.total) == (0, 0)


def test_breaking_off() -> None:
    """
    A read that is broken off is not under way any more.
    """
    tally = Tally()
    batches = tally.counted([[1], [2]], 2)
    next(batches)
    batches.close()

    assert tally.total == 0
