"""
Several feeds of one model, such as that of products and those of what they refer to.
"""

from __future__ import annotations

import json

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final, NamedTuple, Self

from listener.errors import PositionLost
from listener.feed import Batch, Feed, Mark
from recommender.position import ClusterTime


BEFORE: Final = ClusterTime(0, 0)


class _Hold(NamedTuple):
    """
    No more than `as_of` may be claimed before all feeds have come to `until`.
    """

    until: ClusterTime
    as_of: ClusterTime


class JointFeed:
    """
    See `listener.feed.Feed`. The first of them is the collection's own; it is what one
    waits for, and the others are looked at whenever it has said something.

    A mark names the position of each, and the time to which all of them have come. What
    the others bring is found by a look at what products refer to *now*: one that was
    moved since is not found, and its own feed has yet to say so. So the time of such a
    batch is claimed only when all feeds have come to the end of that look. Feeds that
    go on from a position do not know of the looks before it: they claim nothing before
    all have come to the time at which they were opened.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        now: Callable[[], ClusterTime],
        *,
        is_resumed: bool = False,
    ) -> None:
        """
        Args:
            feeds: At least one.
            now: Returns the database's time.
            is_resumed: Whether they go on from a position.
        """
        self._own, *others = feeds
        self._others = deque(others)
        self._feeds = feeds
        self._now = now
        self._is_resumed = is_resumed
        self._marks: dict[Feed, Mark] = {}
        self._holds: list[_Hold] = []
        self._is_own_turn = True
        self._context = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for feed in self._feeds:
                stack.enter_context(feed)
            if self._is_resumed:
                self._holds.append(_Hold(self._now(), BEFORE))
            self._context = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._context.close()

    def take(self, timeout_s: float) -> Batch | None:
        """
        Return the next batch, waiting for one if need be; None when none came.
        """
        batch = self._take(self._own, 0.0) if self._is_own_turn else None
        self._is_own_turn = False
        if batch is None:
            batch = self._take_of_others()
            self._is_own_turn = batch is not None
        return batch or self._take(self._own, timeout_s)

    @property
    def waiting(self) -> int:
        """
        How many products were written that no batch has brought yet.
        """
        return sum(feed.waiting for feed in self._feeds)

    def _take_of_others(self) -> Batch | None:
        for _ in range(len(self._others)):
            feed = self._others[0]
            self._others.rotate(-1)
            batch = self._take(feed, 0.0)
            if batch is not None:
                return batch
        return None

    def _take(self, feed: Feed, timeout_s: float) -> Batch | None:
        batch = feed.take(timeout_s)
        if batch is None or batch.reached is None:
            return batch
        if feed is not self._own and batch.events.total():
            before = self._marks.get(feed)
            as_of = before.as_of if before else BEFORE
            self._holds.append(_Hold(self._now(), as_of))
        self._marks[feed] = batch.reached
        return replace(batch, reached=self._mark())

    def _mark(self) -> Mark | None:
        if len(self._marks) < len(self._feeds):
            return None
        marks = [self._marks[feed] for feed in self._feeds]
        as_of = min(mark.as_of for mark in marks)
        self._holds = [hold for hold in self._holds if hold.until > as_of]
        return Mark(
            to_joint([mark.checkpoint for mark in marks]),
            min((as_of, *(hold.as_of for hold in self._holds))),
        )


def to_joint(checkpoints: Sequence[str]) -> str:
    """
    Return the checkpoints of several feeds as one.
    """
    return json.dumps(checkpoints)


def to_single(checkpoint: str, count: int) -> list[str]:
    """
    Return the checkpoints of *count* feeds.

    Raises:
        PositionLost: They are not so many, or none.
    """
    try:
        found = json.loads(checkpoint)
    except ValueError:
        found = None
    if isinstance(found, list) and len(found) == count:
        return list(map(str, found))
    reason = "bad_token"
    raise PositionLost(reason)
