"""
What the daemon needs of a database, in its own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from recommender.mutation import Mutation
from recommender.position import ClusterTime
from recommender.product import Product


@dataclass(frozen=True, slots=True)
class Mark:
    """
    How far one is.

    Attributes:
        checkpoint: Leads on from here; opaque.
        as_of: Every write acknowledged at or before this is included.
    """

    checkpoint: str
    as_of: ClusterTime


@dataclass(frozen=True, slots=True)
class Batch:
    """
    What has happened since the batch before; often nothing.

    Attributes:
        mutations: What the products that were written have become.
        reached: Where one is once all of it is applied; None when that is no further
            than before, as while a part of what belongs together is still to come.
        read_time: The database's time of its last answer.
        events: How many writes were noticed, by kind, such as "insert".
        written_s: Unix time of the oldest of those writes, by the database's clock;
            None without any.
        is_last: Whether nothing more was waiting when the batch was taken, or known to
            be on its way.
    """

    mutations: Sequence[Mutation]
    reached: Mark | None
    read_time: ClusterTime
    events: Counter[str]
    written_s: float | None
    is_last: bool


@dataclass(frozen=True, slots=True)
class PageEnd:
    """
    Where a page of a collection ended, and the next one begins.

    Attributes:
        id: Opaque; it lasts, also when the product there is deleted.
    """

    id: object


@dataclass(frozen=True, slots=True)
class IdRange:
    """
    What stands between two places of a collection, in the order of ids.

    Attributes:
        begin: The first id of it; None: the collection's first.
        end: The first id behind it; None: it goes on to the collection's last.
    """

    begin: PageEnd | None = None
    end: PageEnd | None = None


EVERYTHING: Final = IdRange()


@dataclass(frozen=True, slots=True)
class Page:
    """
    Some products that are neighbours in the order of a collection.

    Attributes:
        products: Maybe none.
        end: None when no more follow.
    """

    products: Sequence[Product]
    end: PageEnd | None


class Feed(AbstractContextManager["Feed"], Protocol):
    """
    A followed collection, from one position on, while the context is open. One thread
    takes from it.
    """

    def take(self, timeout_s: float) -> Batch | None:
        """
        Return the next batch, waiting for one if need be; None when none came.

        Raises:
            Unreachable: Go on from the last checkpoint, later.
            PositionLost: No checkpoint leads on from here.
            Refused: The database does not allow it any more.
        """

    @property
    def waiting(self) -> int:
        """
        How many products were written that no batch has brought yet, as far as is
        known.
        """


class Source(Protocol):
    """
    The collection that is followed. Every method may raise as `Feed.take` does.
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
        Return a feed from *checkpoint* on; without one, from the moment its context is
        entered, which its first batch shows to have passed.
        """

    def count(self) -> int:
        """
        Return about how many products there are.
        """

    def split(self, rows: int) -> Sequence[IdRange]:
        """
        Return ranges of about *rows* products each that together are everything.
        """

    def scan(self, within: IdRange = EVERYTHING) -> Iterator[Sequence[Product]]:
        """
        Yield all products of a range, each of which may come twice or be out of date
        when it was written during the scan.
        """

    def page(self, after: PageEnd | None, limit: int) -> Page:
        """
        Return at most *limit* products, at least 1, that follow *after*, or the first
        ones, as they are at a moment of this call. Page after page, each product that
        exists all the time comes exactly once, whatever the types of the ids; those
        that come or go meanwhile may be left out.
        """
