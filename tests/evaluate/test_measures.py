"""
Measures without a truth, against what one works out by hand.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from listener.evaluate.measures import (
    MEASURES,
    brand_agreement,
    category_agreement,
    diversity,
    jaccard,
    near_duplicates,
    price_distance,
    price_spread,
)
from tests.support.evaluated import make_answers, make_shop
from tests.support.products import make_product


SHOP = make_shop(
    make_product("a", "red steel kettle", category=["Tea"], brand="Aldo", price=10),
    make_product("b", "red steel kettle", category=["Tea"], brand="Brimm", price=20),
    make_product("c", "blue steel kettle", category=["Cup"], brand="Aldo", price=5),
    make_product("d", "oak chair", price=0),
)
A, B, C, D = range(4)


@pytest.mark.parametrize(
    ("measure", "asked", "found", "expected"),
    [
        (category_agreement, A, [B, C], 1 / 2),
        (category_agreement, A, [B, D], 1 / 2),  # without a category it does not agree
        (category_agreement, D, [A, B], math.nan),
        (category_agreement, A, [], math.nan),
        (brand_agreement, A, [B, C, D], 1 / 3),
        (near_duplicates, A, [B, C], 1 / 2),
        (near_duplicates, A, [D], 0.0),
        (near_duplicates, A, [], math.nan),
        (diversity, A, [B, C], 1 - 2 / 4),  # they share two words of four
        (diversity, D, [A, B, C], 1 - (1 + 1 / 2 + 1 / 2) / 3),
        (diversity, A, [B], math.nan),
        (price_distance, A, [B, C], 2.0),
        (price_distance, B, [A, C], math.sqrt(2 * 4)),
        (price_distance, A, [B, D], 2.0),  # what costs nothing is no factor away
        (price_distance, D, [A], math.nan),
        (price_distance, A, [D], math.nan),
        (price_spread, A, [B, C], 2.0),  # half of ln 4 either way
        (price_spread, A, [B], math.nan),
        (price_spread, D, [A, A, A], 1.0),
    ],
)
def test_by_hand(measure, asked, found, expected):
    """
    Each measure is what its docstring says, and NaN where there is nothing to say.
    """
    (value,) = measure(SHOP, make_answers([asked], found))

    assert value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", MEASURES)
def test_each_question_has_its_own_number(name):
    """
    Questions do not touch one another.
    """
    lists = [[B, C], [C], [A, B, D], [], [A]]
    asked = [A, A, B, B, D]
    together = MEASURES[name](SHOP, make_answers(asked, *lists))

    alone = [
        MEASURES[name](SHOP, make_answers([one], found))[0]
        for one, found in zip(asked, lists, strict=True)
    ]
    assert np.allclose(together, alone, equal_nan=True)


def test_jaccard():
    """
    Common elements over all; nothing has nothing in common.
    """
    assert jaccard({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)
    assert jaccard(set(), set()) == 0.0
    assert jaccard({"a"}, {"a"}) == 1.0
