"""
What measures need to know of products.
"""

from __future__ import annotations

import numpy as np

from listener.evaluate.asking import LIMIT, NOTHING, ask, sampled
from listener.evaluate.catalogue import Catalogue
from tests.support.clock import FakeClock
from tests.support.evaluated import make_shop
from tests.support.products import WEIGHTS, make_catalogue, make_key, make_product


def test_places_are_those_of_visible_products_in_order():
    """
    Hidden products are part of the model and have no place.
    """
    shop = make_shop(
        make_product("c", "red kettle"),
        make_product("a", "blue kettle"),
        make_product("b", "kettle", visible=False),
    )

    assert shop.places == {make_key("a"): 0, make_key("c"): 1}
    assert shop.snapshot.products == 3


def test_columns_of_products():
    """
    Equal categories and brands have equal numbers, unknown ones -1; words are those
    that pages show.
    """
    shown = {"name": "Red kettle", "description": "A red one."}
    shop = make_shop(
        make_product("a", "x", category=["Home", "Tea"], brand="Aldo", price=2.0),
        make_product("b", "x", category=["Home"], display=shown),
        make_product("c", "x", category=["Home", "Tea"], brand="Aldo"),
    )

    assert shop.categories.tolist() == [0, 1, 0]
    assert shop.brands.tolist() == [0, -1, 0]
    assert shop.prices[0] == 2.0
    assert np.isnan(shop.prices[1:]).all()
    assert shop.words == ({"x"} - {"x"}, {"red", "kettle", "one"}, frozenset())


def test_nothing_at_all():
    """
    A catalogue of nothing has nothing.
    """
    assert len(Catalogue.train([], WEIGHTS)) == 0


def test_answers_are_what_the_model_returns():
    """
    Each question has the places and scores of its hits, best first, then nothing.
    """
    products = make_catalogue(60)
    shop = Catalogue.train(products, WEIGHTS)

    answers = ask(shop, range(len(shop)), FakeClock())

    assert len(answers) == len(shop) < 60
    for key, place in shop.places.items():
        hits = shop.snapshot.similar(key, limit=LIMIT)
        rest = LIMIT - len(hits)
        expected = [shop.places[hit.key] for hit in hits] + [NOTHING] * rest
        assert answers.found[place].tolist() == expected
        assert answers.scores[place, : len(hits)].tolist() == [h.score for h in hits]
        assert np.isnan(answers.scores[place, len(hits) :]).all()


def test_few_are_all_asked_and_many_by_chance():
    """
    A sample is of so many different places, in order, and the same each time.
    """
    assert list(sampled(5, 5)) == [0, 1, 2, 3, 4]
    some = sampled(1_000, 20)
    assert len(set(some)) == 20
    assert list(some) == sorted(some)
    assert some == sampled(1_000, 20)
