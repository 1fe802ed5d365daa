"""
What is measured of one catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple


class Quantity(NamedTuple):
    """
    What a number is.

    Attributes:
        name: The same in records.
        what: For a reader.
        unit: Of the number.
    """

    name: str
    what: str
    unit: str


class Spread(NamedTuple):
    """
    How long something takes, in milliseconds of processor time.
    """

    median: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Built:
    """
    A store that was built, in seconds of processor time.

    Attributes:
        mapping_s: From documents to products.
        counting_s: From products to the segments of their ranges.
        joining_s: From those to the one segment of the catalogue.
        writing_s: Until its file has it, durably.
        peak: Most bytes of the process that were resident, files of ranges included.
        disk: Bytes of the segment's file.
        terms: Distinct ones.
        postings: Pairs of a product and a term.
    """

    mapping_s: float
    counting_s: float
    joining_s: float
    writing_s: float
    peak: int
    disk: int
    terms: int
    postings: int


@dataclass(frozen=True, slots=True)
class Served:
    """
    A process that opened the store and answered.

    Attributes:
        opening_s: Seconds of processor time, checksums and norms included.
        empty: Bytes (PSS) of the process before.
        opened: Bytes after the questions.
        queries: By kind.
    """

    opening_s: float
    empty: int
    opened: int
    queries: Mapping[str, Spread]


@dataclass(frozen=True, slots=True)
class Changed:
    """
    One change of a price after the other, in milliseconds of processor time.

    Attributes:
        applying: To the index, and freezing it.
        writing: Publishing it, without fsync.
        deriving: Loading what was published, and the next snapshot from the last.
        written: Bytes of one publication, the median.
    """

    applying: Spread
    writing: Spread
    deriving: Spread
    written: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """
    A catalogue of that many generated products.
    """

    products: int
    built: Built
    served: Served
    changed: Changed

    def numbers(self) -> dict[Quantity, float]:
        """
        Return all that was measured, in the units that people read.
        """
        return {
            **_of_the_build(self.products, self.built),
            **_of_a_server(self.served),
            **_of_a_change(self.changed),
        }


MB: Final = 1e6
US: Final = 1e6


def _of_the_build(products: int, built: Built) -> dict[Quantity, float]:
    steps = {
        "mapping": "build: documents to products",
        "counting": "build: products to segments of ranges",
        "joining": "build: one segment of them",
        "writing": "build: writing it",
    }
    each = {
        Quantity(f"build.{step}", f"{what}, each product", "us"): (
            getattr(built, f"{step}_s") / products * US
        )
        for step, what in steps.items()
    }
    return {
        Quantity("terms", "distinct terms", ""): float(built.terms),
        Quantity("postings", "terms of a product", ""): built.postings / products,
        **each,
        Quantity("build.total", "build, all of it", "s"): (
            built.mapping_s + built.counting_s + built.joining_s + built.writing_s
        ),
        Quantity("build.peak", "memory of the build at most", "MB"): built.peak / MB,
        Quantity("disk", "store on disk", "MB"): built.disk / MB,
    }


def _of_a_server(served: Served) -> dict[Quantity, float]:
    return {
        Quantity("open", "opening a store", "s"): served.opening_s,
        Quantity("memory", "memory of a server (PSS)", "MB"): served.opened / MB,
        Quantity("memory.model", "of which the model", "MB"): (
            (served.opened - served.empty) / MB
        ),
        **{
            Quantity(f"query.{kind}.{name}", f"query, {kind}, {name}", "ms"): value
            for kind, spread in served.queries.items()
            for name, value in zip(Spread._fields, spread, strict=True)
        },
    }


def _of_a_change(changed: Changed) -> dict[Quantity, float]:
    steps = {
        "applying": "price change: applied and frozen",
        "writing": "price change: published",
        "deriving": "price change: the next snapshot",
    }
    return {
        **{
            Quantity(f"change.{step}", f"{what}, median", "ms"): (
                getattr(changed, step).median
            )
            for step, what in steps.items()
        },
        Quantity("change.written", "price change: bytes written", "kB"): (
            changed.written / 1e3
        ),
    }
