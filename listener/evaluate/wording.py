"""
Figures as people read them, in the table and in the report.
"""

from __future__ import annotations

import math

from typing import Final, assert_never

from listener.evaluate.evaluation import Unit
from listener.evaluate.statistics import LEAST_P, Interval


UNKNOWN: Final = "-"


def to_text(value: float, unit: Unit) -> str:
    """
    Return a figure, such as "12.3 %", "1.42 x" or "0.605".
    """
    if math.isnan(value):
        return UNKNOWN
    match unit:
        case Unit.SHARE:
            return f"{100 * value:.1f} %"
        case Unit.FACTOR:
            return f"{value:.2f} x"
        case Unit.INDEX:
            return f"{value:.3f}"
        case _:
            assert_never(unit)


def to_range(interval: Interval | None, unit: Unit) -> str:
    """
    Return where a figure is, such as "11.9 to 12.7 %"; empty when that is not known.
    """
    if interval is None or math.isnan(interval.low):
        return ""
    low = to_text(interval.low, unit).partition(" ")[0]
    return f"{low} to {to_text(interval.high, unit)}"


def to_difference(value: float, unit: Unit) -> str:
    """
    Return a difference with its sign; shares differ by points of a hundred.
    """
    if math.isnan(value):
        return UNKNOWN
    match unit:
        case Unit.SHARE:
            return f"{100 * value:+.1f}"
        case Unit.FACTOR:
            return f"{value:+.2f}"
        case Unit.INDEX:
            return f"{value:+.3f}"
        case _:
            assert_never(unit)


def to_p(p: float) -> str:
    """
    Return a probability, no smaller than the test can tell.
    """
    if math.isnan(p):
        return ""
    return f"≤ {LEAST_P:.4f}" if p <= LEAST_P else f"{p:.4f}"
