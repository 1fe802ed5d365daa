"""
The plain ways to recommend, and the model's own terms weighed otherwise.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.quality.bm25 import bm25
from benchmarks.quality.chance import by_chance, by_popularity
from benchmarks.quality.material import Material
from benchmarks.quality.nearest import blended, by_score
from benchmarks.quality.plain_tfidf import lsa, tfidf
from benchmarks.quality.recipes import (
    CHANGES,
    Change,
    Recipe,
    digits_too,
    linear_gain,
    log_gain,
    models_joined,
    saturating_gain,
    score_by,
    sizes_whole,
)
from listener.evaluate.asking import LIMIT, NOTHING, ask
from listener.evaluate.catalogue import Catalogue
from tests.support.clock import FakeClock
from tests.support.products import WEIGHTS, make_catalogue, make_product


TEXTS = [
    "red steel kettle",
    "red steel kettle with lid",
    "blue oak chair",
    "blue oak chair, soft",
    "steel lamp",
]


def make_material(products, documents=None) -> Material:
    """
    Return *products* as a catalogue to measure with.
    """
    catalogue = Catalogue.train(products, WEIGHTS)
    by_key = {product.key: product for product in products}
    kept = [by_key[key] for key in catalogue.places]
    return Material("made", catalogue, kept, documents or [{} for _ in kept])


def test_best_by_score():
    """
    The product itself never comes, nor what scores nothing; equals come in order.
    """
    scores = np.array([[9.0, 1.0, 0.0, 3.0, 1.0], [0.0, 0.0, 0.0, -1.0, 0.0]])

    answers = by_score(lambda asked: scores[asked])(np.array([0, 1]))

    assert answers.found[0].tolist() == [3, 1, 4] + [NOTHING] * (LIMIT - 3)
    assert answers.scores[0, :3].tolist() == [3.0, 1.0, 1.0]
    assert (answers.found[1] == NOTHING).all()
    assert np.isnan(answers.scores[1]).all()


def test_best_of_many_are_as_by_sorting_all():
    """
    However many there are, also with equals at the end of the list.
    """
    scores = np.random.default_rng(1).integers(0, 9, (250, 250)).astype(float)
    asked = np.arange(250)

    answers = by_score(lambda places: scores[places])(asked)

    for place in asked.tolist():
        others = [p for p in range(250) if p != place]
        expected = sorted(others, key=lambda p: -scores[place, p])[:LIMIT]
        assert answers.found[place].tolist() == expected


@pytest.mark.parametrize(
    "score",
    [tfidf(TEXTS), lsa(TEXTS, 4), bm25(TEXTS, 1.2, 0.75)],
    ids=["tfidf", "lsa", "bm25"],
)
def test_what_is_alike_comes_first(score):
    """
    Whoever looks at words finds the twin.
    """
    found = by_score(score)(np.arange(4)).found
    assert found[:, 0].tolist() == [1, 0, 3, 2]


def test_bm25_by_hand():
    """
    ln(1 + (N - df + 1/2)/(df + 1/2)) · tf/(tf + k1·(1 - b + b·length/mean)), for each
    distinct word of the product asked with.
    """
    texts = ["oak oak chair", "oak lamp", "tin lamp and lid"]

    scores = bm25(texts, 1.2, 0.75)(np.array([0]))[0]

    idf = math.log(1 + 1.5 / 2.5)
    short = idf / (1 + 1.2 * (0.25 + 0.75 * 2 / 3))
    assert scores[1] == pytest.approx(short, rel=1e-5)
    assert scores[2] == 0.0


def test_popularity_and_chance():
    """
    One answers all alike, the other anything; both always the same.
    """
    asked = np.array([0, 3])
    popular = by_score(by_popularity(np.array([5.0, 0.0, 7.0, 6.0])))(asked)
    assert popular.found[:, :3].tolist() == [[2, 3, NOTHING], [2, 0, NOTHING]]
    once, again = (by_score(by_chance(50))(asked).found for _ in range(2))
    assert (once == again).all()
    assert (once != NOTHING).all()


def test_blended():
    """
    Scores are added by their shares.
    """
    one, other = (
        by_popularity(np.array([1.0, 0.0])),
        by_popularity(np.array([0.0, 2.0])),
    )
    assert blended(one, other, 0.25)(np.array([0])).tolist() == [[0.75, 0.5]]


def test_the_unchanged_recipe_is_the_served_model():
    """
    What is tried aside starts from what is served: the same answers and scores.
    """
    products = [p for p in make_catalogue(80) if p.visible]
    material = make_material(products)
    everything = np.arange(len(products))

    served = ask(material.catalogue, everything.tolist(), FakeClock())
    aside = by_score(score_by(Recipe(WEIGHTS.fields), material))(everything)

    assert np.allclose(served.scores, aside.scores, atol=1e-6, equal_nan=True)
    assert (served.found == aside.found).mean() > 0.95  # but for the order of equals


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (log_gain, [1, 1 + math.log(2)]),
        (linear_gain, [1, 2]),
        (saturating_gain, [1, 2 * 2.2 / 3.2]),
    ],
)
def test_gains(gain, expected):
    """
    The first time counts once.
    """
    assert [gain(1), gain(2)] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "names", "attributes"),
    [
        (Change({"bigrams": 9.0}), ("steel lamp", "old steel lamp", "lamp steel"), ()),
        (
            Change({"facts": 9.0}),
            ("lamp", "light", "lamp"),
            ({"tone": "sea"}, {"tone": "sea"}, {"hue": "sea"}),
        ),
        (
            Change({"names": 9.0}),
            ("lamp", "light", "lamp"),
            ({"tone": "sea"}, {"tone": "sky"}, {"hue": "sea"}),
        ),
        (
            Change({"type": 9.0}),
            ("lamp", "light", "lamp"),
            ({"product_type": "X"}, {"type": "x"}, {"product_type": "Y"}),
        ),
        (Change(is_stemmed=True), ("oak spoons", "my spoon", "oak fork"), ()),
        (
            Change(drops_stop_words=True),
            ("of the fork", "fork new", "of the spoon"),
            (),
        ),
        (Change(split=sizes_whole), ("pot 1.5l", "jug 1.5l", "pot 2.5l"), ()),
        (Change(split=digits_too), ("pot 5 kg", "jug 5 kg", "pot 6 kg"), ()),
        (Change(split=models_joined), ("pot a-1 x", "jug a1", "pot b-2 x"), ()),
        (Change({"name": 0.0, "tags": 1.0}), ("lamp", "light", "lamp"), ()),
    ],
    ids=[
        "bigrams",
        "facts",
        "names",
        "type",
        "stemmed",
        "stop words",
        "sizes",
        "digits",
        "models",
        "weights",
    ],
)
def test_a_change_does_what_it_says(change, names, attributes):
    """
    The second product is most like the first only with the change; else the third is.
    """
    tags = ("sea", "sea", "sky")
    products = [
        make_product(f"{i}", name, tags=tag)
        for i, (name, tag) in enumerate(zip(names, tags, strict=True))
    ]
    documents = [{"attributes": one} for one in attributes or ({}, {}, {})]
    material = make_material(products, documents)
    before = Recipe({"name": 1.0, "tags": 0.0})

    def best(recipe):
        return by_score(score_by(recipe, material))(np.array([0])).found[0, 0]

    assert best(before) == 2
    assert best(before.changed(change)) == 1


def test_near_prices_have_a_step_in_common():
    """
    The same name at about the same price comes before one that costs much more.
    """
    prices = (10.0, 100.0, 11.0)
    products = [make_product(f"{i}", "lamp", price=p) for i, p in enumerate(prices)]
    material = make_material(products)
    scores = score_by(Recipe().changed(CHANGES["price near x 1"]), material)

    first, far, near = scores(np.array([0]))[0]
    assert first == pytest.approx(near)
    assert far < near


def test_a_floor_makes_terms_more_equal():
    """
    With a very high one only tf counts.
    """
    products = [make_product(f"{i}", name) for i, name in enumerate(TEXTS)]
    scores = score_by(Recipe(floor=1e9), make_material(products))(np.array([0]))[0]

    assert scores[1] == pytest.approx(3 / math.sqrt(3 * 5), rel=1e-6)


def test_changes_add_up():
    """
    A later change takes the place of an earlier one of the same field only.
    """
    recipe = Recipe().changed(CHANGES["name x 4"]).changed(CHANGES["plural s cut off"])
    recipe = recipe.changed(CHANGES["brand x 0"])

    assert (recipe.weights["name"], recipe.weights["brand"]) == (4.0, 0.0)
    assert recipe.is_stemmed
    assert recipe.gain is log_gain
