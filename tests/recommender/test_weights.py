import math

import pytest

from recommender.text import to_brand_term, to_category_terms
from recommender.weights import LEAST_WEIGHT, MOST_WEIGHT, Weights, term_weights
from tests.support.products import make_product


def test_counts_are_dampened():
    """
    The c-th repetition of a word counts 1 + ln c, times the field's weight.
    """
    product = make_product(name="tea tea tea pot")

    weights = term_weights(product, Weights({"name": 2.0}))

    assert weights == pytest.approx({"tea": 2 * (1 + math.log(3)), "pot": 2.0})


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

    assert weights == pytest.approx({"tea": 3 * (1 + math.log(2)) + 1})


def test_facets_are_terms_of_their_own():
    """
    Each prefix of the category path and the brand have their weights.
    """
    product = make_product(category=("Home", "Tea"), brand="Tea")

    weights = term_weights(product, Weights({"category": 2.0, "brand": 0.5}))

    home, tea = to_category_terms(("Home", "Tea"))
    assert weights == {home: 2.0, tea: 2.0, to_brand_term("Tea"): 0.5}


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
