"""
How sure a mean is, and a difference of two.

Questions of one cluster, such as products that people judged for the same query, are
not independent: clusters are drawn, not questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from scipy import stats

from listener.evaluate.catalogue import Numbers, Places


CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1_000
PERMUTATIONS: Final = 3_999
LEAST_P: Final = 2 / (PERMUTATIONS + 1)  # of both sides together
SEED: Final = 5002
ROOM: Final = 2_000_000  # numbers drawn at once
PAIR: Final = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """
    A mean, and where it is with a confidence of `CONFIDENCE`: percentiles of the
    bootstrap (Efron 1979), NaN with fewer than two clusters.
    """

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What a second model does better on the same questions.

    Attributes:
        difference: Its mean less the first one's.
        p: How likely a difference as large is by chance: two-sided paired permutation
            test, not corrected for how many are made; NaN with fewer than two clusters.
    """

    difference: Interval
    p: float


def interval(values: Numbers, clusters: Places | None = None) -> Interval:
    """
    Return the mean of *values*, NaN left out, (Q,).

    Args:
        clusters: A number for each question's cluster, (Q,); None: each is its own.
    """
    sums, counts = _by_cluster(values, clusters)
    mean = float(_ratio(sums, counts)) if len(sums) else np.nan
    if len(sums) < PAIR:
        return Interval(mean, np.nan, np.nan)
    drawn = stats.bootstrap(
        (sums, counts),
        cast("Any", _ratio),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_batch(len(sums)),
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    )
    low, high = drawn.confidence_interval
    return Interval(mean, float(low), float(high))


def compare(
    first: Numbers, second: Numbers, clusters: Places | None = None
) -> Comparison:
    """
    Return how much more *second* is than *first*, on the questions of which neither is
    NaN; both (Q,).
    """
    difference = second - first
    sums, _ = _by_cluster(difference, clusters)
    found = interval(difference, clusters)
    if len(sums) < PAIR:
        return Comparison(found, np.nan)
    drawn = stats.permutation_test(
        (sums, np.zeros_like(sums)),
        cast("Any", _difference),
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=_batch(len(sums)),
        rng=np.random.default_rng(SEED),
    )
    return Comparison(found, float(drawn.pvalue))


def _by_cluster(values: Numbers, clusters: Places | None) -> tuple[Numbers, Numbers]:
    """
    Return the sum of each cluster's values, and how many those are, at least 1.
    """
    there = ~np.isnan(values)
    if clusters is None:
        return values[there], np.ones(int(there.sum()))
    _, place = np.unique(clusters[there], return_inverse=True)
    return (
        np.bincount(place, values[there]).astype(np.float64),
        np.bincount(place).astype(np.float64),
    )


def _ratio(sums: Numbers, counts: Numbers, axis: int = -1) -> Any:
    return sums.sum(axis=axis) / counts.sum(axis=axis)


def _difference(one: Numbers, other: Numbers, axis: int = -1) -> Any:
    return one.sum(axis=axis) - other.sum(axis=axis)


def _batch(clusters: int) -> int:
    return max(1, ROOM // clusters)
