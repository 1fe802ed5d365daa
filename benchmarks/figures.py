"""
What a measurement says: a figure of ours, and what it stands beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np


MEDIAN: Final = 50.0
NEARLY_ALL: Final = 99.0


class Absent(Exception):  # noqa: N818 the class says what happened
    """
    What a measurement is to stand beside is not on this machine, and why.
    """


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One number, with another that was taken beside it in the same run.

    Attributes:
        key: What was measured, such as "freshness.price.median"; goals go by it.
        what: The same for a reader.
        ours: Less is better, but for a rate.
        unit: Of both numbers.
        beside: The other's number; None when there is nothing to stand beside.
        beside_what: Who the other is.
        details: How it came to be, for the record.
    """

    key: str
    what: str
    ours: float
    unit: str
    beside: float | None = None
    beside_what: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """
        How many times the other's number ours is.
        """
        return self.ours / self.beside if self.beside else None


def percentiles(
    key: str,
    what: str,
    ours_s: Sequence[float],
    beside_s: Sequence[float],
    beside_what: str,
) -> Iterator[Figure]:
    """
    Yield median and 99th percentile of two series of seconds, in milliseconds.
    """
    for name, shown, percent in (
        ("median", "median", MEDIAN),
        ("p99", "p99", NEARLY_ALL),
    ):
        yield Figure(
            f"{key}.{name}",
            f"{what}, {shown}",
            to_ms(ours_s, percent),
            "ms",
            to_ms(beside_s, percent) if beside_s else None,
            beside_what,
            {"samples": len(ours_s), "beside_samples": len(beside_s)},
        )


def to_ms(series_s: Sequence[float], percent: float) -> float:
    """
    Return a percentile of a series of seconds, in milliseconds.
    """
    return float(np.percentile(series_s, percent)) * 1000
