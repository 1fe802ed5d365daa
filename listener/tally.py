"""
How far a long read is, for whoever wants to know.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sized
from typing import TypeVar


T = TypeVar("T", bound=Sized)


class Tally:
    """
    Counts what passes. One thread counts, any may look.

    Attributes:
        done: Items so far.
        total: About how many there will be; 0 while nothing is counted.
    """

    def __init__(self) -> None:
        self.done = 0
        self.total = 0

    def counted(self, batches: Iterable[T], total: int) -> Generator[T]:
        """
        Yield *batches*, of which there are about *total* items in all, and count.
        """
        self.done, self.total = 0, total
        try:
            for batch in batches:
                yield batch
                self.done += len(batch)
        finally:
            self.done = self.total = 0
