"""
What comes again and again.
"""

from __future__ import annotations

from recommender.repeats import KINDS, MOST, WINDOW_S, Repeats


def test_some_pass_and_the_next_tells_of_the_others() -> None:
    """
    The first of a kind pass; the rest is counted, and told by the first in a later
    window, once.
    """
    repeats = Repeats()

    taken = [repeats.take("a", 1.0) for _ in range(MOST + 5)]
    later = [repeats.take("a", 1.0 + WINDOW_S) for _ in range(2)]

    assert taken == [0] * MOST + [None] * 5
    assert later == [5, 0]


def test_kinds_are_told_apart() -> None:
    """
    One that comes without end hides no other.
    """
    repeats = Repeats()
    for _ in range(MOST + 1):
        repeats.take("a", 1.0)

    assert repeats.take("a", 1.0) is None
    assert repeats.take("b", 1.0) == 0


def test_memory_is_bounded() -> None:
    """
    However many kinds there are, only the latest are remembered.
    """
    repeats = Repeats()
    for number in range(KINDS * 2):
        repeats.take(number, 1.0)

    assert len(repeats._seen) == KINDS
