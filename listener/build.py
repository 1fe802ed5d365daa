"""
A catalogue in segments, one for each range of its documents.

A segment is a pure function of the documents of its range, so it does not matter which
process of which host builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from listener.feed import IdRange, Source
from recommender.bulk import CHUNK, Builder
from recommender.segment import Segment
from recommender.weights import Weights


ROWS: Final = CHUNK  # of a range, about, of a large catalogue
LITTLE: Final = 3 * ROWS  # documents; below, one process is as quick as several
LEAST_RANGES: Final = 12  # of more: so that those who share them end at the same time

Check = Callable[[], None]  # raises what stops the building


def to_rows(total: int) -> int:
    """
    Return about how many documents a range should have, of *total*.
    """
    return ROWS if total < LITTLE else min(ROWS, total // LEAST_RANGES)


class Workshop(Protocol):
    """
    Where segments are built.
    """

    def build(
        self, source: Source, ranges: Sequence[IdRange], check: Check
    ) -> Iterator[Segment]:
        """
        Yield the segment of each of *ranges*, in order.

        Raises:
            ListenerError: As the source does.
        """


@dataclass(frozen=True, slots=True)
class Here:
    """
    Builds in the thread that asks.
    """

    weights: Weights

    def build(
        self, source: Source, ranges: Sequence[IdRange], check: Check
    ) -> Iterator[Segment]:
        """
        See `Workshop`.
        """
        for within in ranges:
            yield build_range(source, within, self.weights, check)


def build_range(
    source: Source, within: IdRange, weights: Weights, check: Check
) -> Segment:
    """
    Return the segment of a range; a product that comes twice counts as it came last.
    """
    builder = Builder(weights)
    for products in source.scan(within):
        check()
        builder.add(products)
    return builder.finish()
