"""
What the daemon needs of a database, in its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from recommender.mutation import Mutation
from recommender.position import ClusterTime
from recommender.product import Product


@dataclass(frozen=True, slots=True)
class Batch:
    """
    What has happened since the batch before; often nothing.

    Attributes:
        mutations: What the products that were written have become.
        checkpoint: Where to go on after this batch, once all of it is applied; opaque.
        as_of: Every write acknowledged at or before this is in this batch or in one
            before it.
        read_time: The database's time of its last answer.
        events: How many writes the mutations stand for.
        written_s: Unix time of the oldest of those writes, by the database's clock;
            None without any.
        is_last: Whether nothing more was waiting when the batch was taken.
    """

    mutations: Sequence[Mutation]
    checkpoint: str
    as_of: ClusterTime
    read_time: ClusterTime
    events: int
    written_s: float | None
    is_last: bool


class Feed(Protocol):
    """
    A followed collection, from one position on. One thread reads it.
    """

    def __enter__(self) -> Self:
        """
        Return the feed.
        """

    def __exit__(self, *error: object) -> None:
        """
        Stop following; nothing of the database's is held any more.
        """

    def batches(self) -> Iterator[Batch]:
        """
        Yield batches for ever, an empty one at least each `PULSE_S`.

        Raises:
            Unreachable: Go on from the last checkpoint, later.
            PositionLost: No checkpoint leads on from here.
            Refused: The database does not allow it any more.
        """

    def wake(self) -> None:
        """
        Make the iterator yield now; any thread, or a signal handler, may call this.
        """


class Source(Protocol):
    """
    The collection that is followed. Every method may raise as `Feed.batches` does.
    """

    def identity(self) -> str:
        """
        Return which collection this is, of which database; opaque. A collection that
        was dropped and made anew is another.
        """

    def now(self) -> ClusterTime:
        """
        Return the database's time; every write acknowledged before is at or before it.
        """

    def follow(self, checkpoint: str | None) -> Feed:
        """
        Return a feed from *checkpoint* on; from now on when there is none.

        What is written from this moment on is in it, whenever it is first read.
        """

    def count(self) -> int:
        """
        Return about how many products there are.
        """

    def scan(self) -> Iterator[Sequence[Product]]:
        """
        Yield all products, each of which may come twice or be out of date when it was
        written during the scan.
        """


PULSE_S = 0.25  # also bounds how long a stop waits
