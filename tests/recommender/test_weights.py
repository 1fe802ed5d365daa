import math

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from recommender.tally import to_halves
from recommender.text import to_brand_term, to_category_terms
from recommender.weights import (
    HEAVIEST,
    LEAST_WEIGHT,
    MOST_WEIGHT,
    Weights,
    rounded,
    term_weights,
)
from tests.support.products import make_product


def half(number):
    """
    Return a number as half precision has it.
    """
    return float(np.float16(number))


def test_counts_are_dampened():
    """
    The c-th repetition of a word counts 1 + ln c, times the field's weight.
    """
    product = make_product(name="tea tea tea pot")

    weights = term_weights(product, Weights({"name": 2.0}))

    assert weights == {"tea": half(2 * (1 + math.log(3))), "pot": 2.0}


def test_counts_may_stay_as_they_are():
    """
    Without dampening three occurrences count three times.
    """
    product = make_product(name="tea tea tea pot")

    weights = term_weights(product, Weights({"name": 2.0}, sublinear=False))

    assert weights == {"tea": 6.0, "pot": 2.0}


def test_fields_add_up():
    """
    A word in two fields counts in each by its own weight and its own repetitions.
    """
    product = make_product(name="tea tea", description="tea")

    weights = term_weights(product, Weights({"name": 3.0, "description": 1.0}))

    assert weights == {"tea": half(3 * (1 + math.log(2)) + 1)}


def test_facets_are_terms_of_their_own():
    """
    Each prefix of the category path and the brand have their weights.
    """
    product = make_product(category=("Home", "Tea"), brand="Tea")

    weights = term_weights(product, Weights({"category": 2.0, "brand": 0.5}))

    home, tea = to_category_terms(("Home", "Tea"))
    assert weights == {home: 2.0, tea: 2.0, to_brand_term("Tea"): 0.5}


ANY_TF = st.floats(LEAST_WEIGHT, 1e9) | st.integers(0, 2**12).map(
    lambda n: 1 + n / 2**11
)


@given(st.lists(ANY_TF))
def test_weights_are_rounded_to_half_precision(tf):
    """
    Each is the nearest number of eleven binary digits, half-way the even one, and never
    beyond the largest or nothing; of many at once the same.
    """
    got = rounded(tf)

    assert list(got) == [half(min(one, HEAVIEST)) for one in tf]
    assert list(got) == to_halves(np.array(tf, np.float64)).tolist()
    assert all(0 < one <= HEAVIEST for one in got)


def test_word_that_comes_without_end_weighs_the_most():
    """
    A count that half precision cannot hold is the largest number that it can.
    """
    product = make_product(name="tea " * 3)
    weights = Weights({"name": MOST_WEIGHT}, sublinear=False)

    assert term_weights(product, weights) == {"tea": 30_000.0}
    many = make_product(name="tea " * 7)
    assert term_weights(many, weights) == {"tea": HEAVIEST}


@pytest.mark.parametrize("fields", [{"name": 0.0}, {}, {"tags": 1.0}])
def test_field_without_weight_is_left_out(fields):
    """
    A weight of 0, no weight, and a field that the product lacks give no terms.
    """
    assert term_weights(make_product(name="tea"), Weights(fields)) == {}


@pytest.mark.parametrize(
    "weight", [-1.0, math.nan, math.inf, LEAST_WEIGHT / 2, MOST_WEIGHT * 2]
)
def test_weights_that_no_model_could_hold_are_refused(weight):
    """
    Negative, endless and extreme weights are refused by name.
    """
    with pytest.raises(ValueError, match="the weight of 'name' must be 0, or from"):
        Weights({"name": weight})


@pytest.mark.parametrize("weight", [0.0, LEAST_WEIGHT, MOST_WEIGHT])
def test_bounds_are_inclusive(weight):
    """
    The bounds themselves, and 0, are accepted.
    """
    assert Weights({"name": weight}).fields == {"name": weight}
