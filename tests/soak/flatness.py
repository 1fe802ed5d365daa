"""
Whether a series of numbers stays where it is.

A line is laid through the later part of a series by Theil and Sen's estimator (the
median of the slopes of all pairs), which neither saw teeth nor a few wild values move.
It may rise by a share of the median, or by a floor that noise is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from numpy.typing import NDArray
from scipy.stats import theilslopes


LEAST: Final = 6  # values, to say anything
LAST: Final = 0.1  # the share of the later part that is its end
EARLY: Final = 1 / 3  # the share of a run that is not judged


@dataclass(frozen=True, slots=True)
class Measure:
    """
    What is looked at, and how much it may rise.

    Attributes:
        key: Of its values in samples.
        what: The same for a reader.
        unit: Of its values.
        share: Of the median, which the line may rise by; None: it is not judged.
        floor: In its unit, which the line may rise by in any case.
        most_ratio: How many times the first value the end may be; None: any.
    """

    key: str
    what: str
    unit: str
    share: float | None = None
    floor: float = 0.0
    most_ratio: float | None = None


MEASURES: Final = (
    Measure("listener_uss", "private memory of the listener", "MB", 0.05, 5.0, 1.2),
    Measure("listener_pss", "memory of the listener (PSS)", "MB"),
    Measure("listener_rss", "memory of the listener (RSS)", "MB"),
    Measure("server_uss", "private memory of the server", "MB", 0.05, 5.0, 1.2),
    Measure("server_pss", "memory of the server (PSS)", "MB"),
    Measure("server_rss", "memory of the server (RSS)", "MB"),
    Measure("server_processes", "processes of the server", "", 0.0),
    Measure("listener_work", "processor time of the listener", "ms/s"),
    Measure("server_work", "processor time of the server", "ms/s"),
    Measure("listener_files", "open files of the listener", "", 0.0, 3.0),
    Measure("server_files", "open files of the server", "", 0.0, 8.0),
    Measure("segments", "segments of the model", "", 0.25, 5.0),
    Measure("model_bytes", "bytes of the model", "MB", 0.15, 8.0),
    Measure("kept_files", "files kept beside it for each publication", "", 0.25, 1.0),
    Measure("store_files", "files in the store", ""),
    Measure("store_bytes", "bytes in the store", "MB"),
    Measure("read_p50", "answers, median", "ms", 0.25, 1.0),
    Measure("read_p99", "answers, p99", "ms", 0.5, 10.0),
    Measure("bare_p50", "a bare server's answers beside, median", "ms"),
    Measure("bare_p99", "a bare server's answers beside, p99", "ms"),
    Measure("served_p50", "from a write to an answer that shows it", "ms", 0.25, 5.0),
    Measure("lag", "behind the oplog", "s", 0.0, 2.0),
    Measure("products", "products", ""),
    Measure("generation", "generation", ""),
    Measure("load", "load of the machine, others' too", ""),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What is said of one measure; not a number where there are too few values.

    Attributes:
        first: The first value of all.
        median: Of the later part, as are all below.
        highest: Value.
        last: The median of its end.
        rise: Of the line, over the later part.
        allowed: How much it may rise; None when it is not judged.
        is_flat: Whether it rose by no more; True when it is not judged.
    """

    measure: Measure
    first: float
    median: float
    highest: float
    last: float
    rise: float
    allowed: float | None
    is_flat: bool


def judge(
    measure: Measure,
    at_s: NDArray[np.float64],
    values: NDArray[np.float64],
    since_s: float,
) -> Verdict:
    """
    Return what *values*, taken *at_s*, say from *since_s* on.

    Those that are not finite do not count. With fewer than six nothing is flat that is
    judged.
    """
    known = np.isfinite(values)
    first = float(values[known][0]) if known.any() else np.nan
    late = known & (at_s >= since_s)
    if np.count_nonzero(late) < LEAST:
        is_flat = measure.share is None
        unknown = np.nan
        return Verdict(
            measure, first, unknown, unknown, unknown, unknown, None, is_flat
        )
    times, kept = at_s[late], values[late]
    slope = float(theilslopes(kept, times)[0])
    rise = slope * float(times[-1] - times[0])
    median = float(np.median(kept))
    last = float(np.median(kept[-max(LEAST // 2, round(len(kept) * LAST)) :]))
    allowed = _allowed(measure, median)
    is_flat = allowed is None or (
        rise <= allowed and _is_in_ratio(measure, first, last)
    )
    return Verdict(
        measure, first, median, float(kept.max()), last, rise, allowed, is_flat
    )


def _is_in_ratio(measure: Measure, first: float, last: float) -> bool:
    return measure.most_ratio is None or last <= first * measure.most_ratio


def _allowed(measure: Measure, median: float) -> float | None:
    if measure.share is None:
        return None
    return max(measure.floor, measure.share * median)
