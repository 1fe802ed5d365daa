"""
Intervals and comparisons, against what is known of means.
"""

from __future__ import annotations

import math

from dataclasses import astuple

import numpy as np
import pytest

from scipy import stats

from listener.evaluate.statistics import compare, interval


def test_interval_is_that_of_the_normal_mean():
    """
    With many independent questions the bootstrap agrees with Student.
    """
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    low, high = stats.t.interval(0.95, 399, loc=values.mean(), scale=stats.sem(values))

    found = interval(values)

    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(low, abs=0.04)
    assert found.high == pytest.approx(high, abs=0.04)


def test_unknown_values_are_left_out():
    """
    NaN counts neither as a value nor as a question.
    """
    with_gaps = interval(np.array([1.0, np.nan, 0.0, 1.0, np.nan]))

    assert with_gaps == interval(np.array([1.0, 0.0, 1.0]))


def test_clusters_are_drawn_whole():
    """
    A question repeated a hundred times is no more certain than asked once.
    """
    values = np.random.default_rng(2).random(30)
    clusters = np.repeat(np.arange(30), 100)

    repeated, once = interval(np.repeat(values, 100), clusters), interval(values)
    assert astuple(repeated) == pytest.approx(astuple(once))


def test_larger_clusters_count_more():
    """
    The mean is that of questions, not of clusters.
    """
    found = interval(np.array([1.0, 1.0, 1.0, 0.0]), np.array([7, 7, 7, 2]))

    assert found.mean == 0.75
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize("values", [[], [0.5], [np.nan, 0.5]])
def test_one_question_tells_no_interval(values):
    """
    Nothing can be said of how sure it is.
    """
    found = interval(np.array(values))
    compared = compare(np.array(values), np.array(values))

    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(compared.p)


def test_few_questions_have_the_exact_probability():
    """
    Of five differences, all of one sign, 2 of 2^5 swaps are as large.
    """
    first = np.array([0.1, 0.2, 0.3, 0.4, 0.5])

    assert compare(first, first + np.array([0.1, 0.2, 0.1, 0.3, 0.1])).p == 2 / 2**5


def test_no_difference_is_not_significant():
    """
    Equal answers differ by nothing, with certainty.
    """
    values = np.random.default_rng(5).random(100)
    found = compare(values, values)

    assert (found.difference.mean, found.difference.low) == (0.0, 0.0)
    assert found.p == 1.0


def test_pairs_tell_what_means_do_not():
    """
    A small gain on each of very different questions is found, as by the paired t-test.
    """
    rng = np.random.default_rng(6)
    first = rng.random(200)
    second = first + rng.normal(0.02, 0.02, 200)

    found = compare(first, second)

    assert found.p < 0.001
    assert 0 < found.difference.low < 0.02 < found.difference.high + 0.005
    assert stats.ttest_ind(first, second).pvalue > 0.05


def test_probability_is_as_students():
    """
    In doubt it is about that of the paired t-test.
    """
    rng = np.random.default_rng(8)
    first = rng.random(150)
    second = first + rng.normal(0.01, 0.08, 150)
    expected = stats.ttest_rel(first, second).pvalue

    assert compare(first, second).p == pytest.approx(expected, abs=0.03)


def test_only_questions_that_both_answer_are_compared():
    """
    What one has nothing to say of is no difference.
    """
    first = np.array([0.1, np.nan, 0.3, 0.9])
    second = np.array([0.2, 0.5, 0.5, np.nan])

    assert compare(first, second).difference.mean == pytest.approx(0.15)
