"""
Several feeds of one model as one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Any

import pytest

from listener.errors import PositionLost
from listener.feed import Batch, Feed
from listener.joint import JointFeed, to_joint, to_single
from tests.support.listener import at, make_batch, make_mark


class Scripted(Feed):
    """
    A feed that brings what it is told.
    """

    def __init__(self, *batches: Batch | None) -> None:
        self.batches = deque(batches)
        self.timeouts: list[float] = []
        self.is_open = False

    def __enter__(self) -> Scripted:
        self.is_open = True
        return self

    def __exit__(self, *error: Any) -> None:
        self.is_open = False

    def take(self, timeout_s: float) -> Batch | None:
        """
        See `Feed`.
        """
        self.timeouts.append(timeout_s)
        return self.batches.popleft() if self.batches else None

    @property
    def waiting(self) -> int:
        """
        See `Feed`.
        """
        return len(self.batches)


def said(increment: int) -> Batch:
    return make_batch(increment=increment)


def written(increment: int) -> Batch:
    return make_batch(increment=increment, events=Counter(update=1))


def claims(feed: JointFeed, times: int) -> list[int | None]:
    taken = [feed.take(0.1) for _ in range(times)]
    return [
        batch.reached.as_of.increment if batch and batch.reached else None
        for batch in taken
    ]


def make_joint(
    own: Feed, *others: Feed, now: Iterable[int] = (), **more: bool
) -> JointFeed:
    times = iter(now)
    return JointFeed([own, *others], lambda: at(next(times)), **more)


def test_nothing_is_claimed_before_all_have_spoken() -> None:
    """
    A mark names a position in each; there is none before each has one.
    """
    assert claims(make_joint(Scripted(said(5), said(6)), Scripted(None)), 2) == [
        None,
        None,
    ]


def test_the_least_time_of_all_is_claimed_with_the_position_of_each() -> None:
    """
    The positions are those up to which all has been brought.
    """
    joint = make_joint(Scripted(said(5)), Scripted(said(3)))
    taken = [joint.take(0.1), joint.take(0.1)]

    assert taken[1] is not None
    mark = taken[1].reached
    assert mark is not None
    assert mark.as_of == at(3)
    assert to_single(mark.checkpoint, 2) == [
        make_mark(5).checkpoint,
        make_mark(3).checkpoint,
    ]


def test_what_was_looked_for_is_claimed_when_all_have_come_to_the_look() -> None:
    """
    A product that was moved before the look, and is not found, is told of by its own
    feed, which may be behind.
    """
    own = Scripted(said(10), said(12), said(14), said(15))
    other = Scripted(said(10), written(12), None, said(16), None)
    joint = make_joint(own, other, now=[15])

    assert claims(joint, 7) == [None, 10, 10, 10, 10, 10, 15]


def test_what_was_looked_for_before_a_restart_is_claimed_no_sooner() -> None:
    """
    A look before the position that they go on from may have missed a product of which
    its own feed has yet to tell.
    """
    own = Scripted(said(10), said(12), said(15))
    other = Scripted(said(10), said(14), said(15))
    with make_joint(own, other, now=[15], is_resumed=True) as joint:
        assert claims(joint, 6) == [None, 0, 0, 0, 0, 15]


def test_the_collection_s_own_feed_has_every_second_turn() -> None:
    """
    However much the others bring, products do not wait.
    """
    own = Scripted(*(said(number) for number in range(3)))
    other = Scripted(*(said(number) for number in range(9)))
    joint = make_joint(own, other)
    for _ in range(6):
        joint.take(0.1)

    assert (len(own.batches), len(other.batches)) == (0, 6)


def test_each_of_the_others_has_its_turn() -> None:
    """
    One that always has something does not keep another waiting.
    """
    one, two = Scripted(*map(said, range(9))), Scripted(*map(said, range(9)))
    joint = make_joint(Scripted(), one, two)
    for _ in range(4):
        joint.take(0.1)

    assert (len(one.batches), len(two.batches)) == (7, 7)


def test_it_waits_for_the_collection_s_own_feed_alone() -> None:
    """
    Nothing of others holds up a product.
    """
    own, other = Scripted(), Scripted()
    make_joint(own, other).take(0.1)

    assert own.timeouts == [0.0, 0.1]
    assert other.timeouts == [0.0]


def test_all_are_open_with_it() -> None:
    """
    They are opened and closed together, and what waits in any of them counts.
    """
    own, other = Scripted(said(1)), Scripted(said(1), said(2))
    with make_joint(own, other) as joint:
        assert own.is_open
        assert other.is_open
        assert joint.waiting == 3
    assert not own.is_open
    assert not other.is_open


@pytest.mark.parametrize(
    "checkpoint", ["", "no", '{"_data": "82"}', to_joint(["a"]), to_joint(list("abc"))]
)
def test_a_checkpoint_of_something_else_is_no_position(checkpoint: str) -> None:
    """
    It leads to a rebuild, as any that cannot be read.
    """
    with pytest.raises(PositionLost) as caught:
        to_single(checkpoint, 2)
    assert caught.value.reason == "bad_token"
