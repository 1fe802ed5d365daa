"""
How answers spread, against what one works out by hand.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from listener.evaluate.popularity import (
    coverage,
    gini,
    lorenz,
    recommended,
    share_of_few,
    unanswered,
)
from tests.support.evaluated import make_answers


def test_counts_and_coverage():
    """
    Each answer counts once; two of four products are never recommended.
    """
    counts = recommended(make_answers([0, 1, 2], [1, 3], [3], []), 4)

    assert counts.tolist() == [0, 1, 0, 2]
    assert coverage(counts) == 0.5
    assert math.isnan(coverage(np.zeros(0, np.int64)))


def test_unanswered():
    """
    One where nothing came.
    """
    answers = make_answers([0, 1, 2], [1, 3], [3], [])
    assert unanswered(answers).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([5, 5, 5, 5], 0.0),
        ([0, 0, 0, 7], 3 / 4),  # as far as it goes with four
        ([1, 3], 1 / 4),
        ([3, 1, 2], 2 / 9),
    ],
)
def test_gini(counts, expected):
    """
    The formula equals half of the mean difference of all pairs over the mean, and twice
    the area between the diagonal and Lorenz's curve.
    """
    array = np.array(counts)
    pairs = np.abs(array[:, None] - array[None, :]).mean() / (2 * array.mean())
    area = 1 - 2 * float(np.trapezoid(lorenz(array), dx=1 / len(array)))

    assert gini(array) == pytest.approx(expected)
    assert gini(array) == pytest.approx(pairs)
    assert gini(array) == pytest.approx(area)


def test_share_of_few():
    """
    Of 200 products the two recommended most; of few products one.
    """
    counts = np.ones(200, np.int64)
    counts[[3, 77]] = 51

    assert share_of_few(counts) == pytest.approx(102 / 300)
    assert share_of_few(np.array([1, 3])) == pytest.approx(3 / 4)


def test_nothing_recommended():
    """
    Without an answer nothing is spread.
    """
    nothing = np.zeros(3, np.int64)

    assert math.isnan(gini(nothing))
    assert math.isnan(share_of_few(nothing))
    assert lorenz(nothing).tolist() == [0, 0, 0, 0]
