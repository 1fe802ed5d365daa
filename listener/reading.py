"""
What a verification reads of a collection: all products, and how much each term of them
counts.

That is a pure function of the documents of a range, so other processes may do it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from listener.build import Check, to_rows
from listener.complaints import Complaints
from listener.feed import EVERYTHING, IdRange, Source
from listener.opening import Collected, open_source, to_weights
from listener.spread import Order, Spread, never
from recommender.product import Product
from recommender.weights import Weights, term_weights


class Weighed(NamedTuple):
    """
    A product, and tf(d, t) of each of its terms.
    """

    product: Product
    terms: Mapping[str, float]


class Reading(Protocol):
    """
    A way to read a collection.
    """

    def read(self, source: Source) -> Iterator[Sequence[Weighed]]:
        """
        Yield all products, each of which may come twice or be out of date when it was
        written meanwhile.

        Raises:
            ListenerError: As the source does.
        """


@dataclass(frozen=True, slots=True)
class ReadHere:
    """
    Reads in the thread that asks.
    """

    weights: Weights

    def read(self, source: Source) -> Iterator[Sequence[Weighed]]:
        """
        See `Reading`.
        """
        return self.read_ranges(source, [EVERYTHING])

    def read_ranges(
        self, source: Source, ranges: Sequence[IdRange]
    ) -> Iterator[Sequence[Weighed]]:
        """
        Yield the products of some ranges.
        """
        for within in ranges:
            for products in source.scan(within):
                yield [Weighed(p, term_weights(p, self.weights)) for p in products]


@dataclass(frozen=True, slots=True)
class Read:
    """
    What a process gives back of a range.

    Attributes:
        products: Those that the range has.
        complaints: Keys of products, and what could not be used of them.
    """

    products: Sequence[Weighed]
    complaints: Collected


@dataclass(frozen=True, slots=True)
class ReadElsewhere:
    """
    Reads by other processes; here, when they cannot.

    Attributes:
        spread: The processes.
        complaints: Where those of the tasks go.
        here: Reads what is not read elsewhere.
        check: Called while there is nothing but waiting; raises to end it.
    """

    spread: Spread
    complaints: Complaints
    here: ReadHere
    check: Check = never

    def read(self, source: Source) -> Iterator[Sequence[Weighed]]:
        """
        See `Reading`.
        """
        return self.spread.map(
            read_there,
            source.split(to_rows(source.count())),
            self.check,
            to_result=self._to_products,
            here=partial(self.here.read_ranges, source),
        )

    def _to_products(self, read: Read) -> Sequence[Weighed]:
        read.complaints.pass_to(self.complaints)
        return read.products


def read_there(order: Order, within: IdRange) -> Read:
    """
    Read a range, in any process that reaches the database.
    """
    complaints = Collected()
    with open_source(order.settings, order.uri, complaints) as source:
        here = ReadHere(to_weights(order.settings))
        batches = here.read_ranges(source, [within])
        return Read([one for batch in batches for one in batch], complaints)
