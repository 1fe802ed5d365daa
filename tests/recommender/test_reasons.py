"""
Why a product was returned.
"""

import math

import hypothesis.strategies as st
import numpy as np
import pytest

from hypothesis import given

from recommender.query import Part, Query, blend
from recommender.reasons import MOST_TERMS, Origin, Seen, contributions, explain
from tests.support.plain import Plain
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_key,
    make_product,
    make_snapshot,
)


CATALOGUE = make_catalogue(120)
SNAPSHOT = make_snapshot(CATALOGUE)
PLAIN = Plain.of(CATALOGUE, WEIGHTS)
KEYS = st.sampled_from([product.key for product in CATALOGUE])


@given(st.lists(KEYS, min_size=1, max_size=3), KEYS)
def test_contributions_are_the_score(asked, key):
    """
    Each term gives what the oracle's vectors have at it; together they are the score.
    """
    rows = [SNAPSHOT.find(one) for one in asked]
    query = Query.of(blend([Part(SNAPSHOT.vector(row)) for row in rows]))

    parts = contributions(SNAPSHOT, query, SNAPSHOT.find(key))

    mean = np.mean([PLAIN.vector(one) for one in asked], axis=0)
    expected = mean / np.linalg.norm(mean) * PLAIN.vector(key)
    terms = PLAIN.oracle.terms
    for term, part in parts.items():
        assert part == pytest.approx(expected[terms[term]], abs=1e-9)
    assert np.count_nonzero(expected) == len(parts)
    assert math.fsum(parts.values()) == pytest.approx(PLAIN.scores(mean)[key], abs=2e-9)


def make_shown(id_, name, description, **values):
    return make_product(
        id_,
        name,
        description=description,
        display={"name": name, "description": description[:25]},
        **values,
    )


@pytest.fixture(name="shelf")
def _shelf():
    """
    Two kettles with something in common in each place, among other things.
    """
    kettle = make_shown(
        "a",
        "steel kettle",
        "boils water very quickly, whistles",
        tags="clearance",
        category=("Home", "Kitchen ware"),
        brand="Aldo & Co",
        price=20.0,
    )
    other = make_shown(
        "b",
        "kettle",
        "steel, boils it all at once, whistles",
        tags="clearance",
        category=("home", "Kitchen Ware"),
        brand="ALDO & CO",
        price=25.0,
    )
    return make_snapshot([kettle, other, *CATALOGUE])


def why(snapshot, one, other):
    rows = [snapshot.find(make_key(id_)) for id_ in (one, other)]
    query = snapshot.query(rows[0])
    return explain(snapshot, query, rows[1], Seen.of_rows(rows[:1]))


def test_terms_are_named_by_where_they_are(shelf):
    """
    A word of both names, a word that pages show of both, categories and the brand as
    the product returned spells them; the weightiest first.
    """
    reasons = why(shelf, "a", "b")

    named = {(term.label, term.origin) for term in reasons.terms}
    assert named == {
        ("kettle", Origin.NAME),
        ("steel", Origin.DESCRIPTION),
        ("boils", Origin.DESCRIPTION),
        ("home", Origin.CATEGORY),
        ("Kitchen Ware", Origin.CATEGORY),
        ("ALDO & CO", Origin.BRAND),
    }
    parts = [term.contribution for term in reasons.terms]
    assert parts == sorted(parts, reverse=True)


def test_what_pages_do_not_show_is_never_named(shelf):
    """
    Tags, and the end of a long description, count under `other`, without a name.
    """
    reasons = why(shelf, "a", "b")

    labels = {term.label for term in reasons.terms}
    assert not labels & {"clearance", "whistles", ""}
    assert reasons.shares[Origin.OTHER] > 0
    assert math.fsum(reasons.shares.values()) == pytest.approx(1)
    assert all(share > 0 for share in reasons.shares.values())


def test_only_so_many_terms_are_named():
    """
    However much two products share, a page gets the weightiest.
    """
    name = " ".join(f"word{i}" for i in range(20))
    snapshot = make_snapshot([make_product("a", name), make_product("b", name)])

    reasons = why(snapshot, "a", "b")

    assert len(reasons.terms) == MOST_TERMS
    assert reasons.shares[Origin.NAME] == pytest.approx(1)


@pytest.mark.parametrize(
    ("price", "closeness", "difference"),
    [(25.0, 0.8, 5.0), (10.0, 0.5, -10.0), (20.0, 1.0, 0.0), (0.0, 0.0, -20.0)],
)
def test_prices_are_compared(price, closeness, difference):
    """
    The lower price divided by the higher one, and what the other costs more.
    """
    snapshot = make_snapshot(
        [make_product("a", "tent", price=20), make_product("b", "tent", price=price)]
    )

    found = why(snapshot, "a", "b").price

    assert (found.closeness, found.difference) == (closeness, difference)


def test_two_free_products_cost_the_same():
    """
    Nothing and nothing are as close as can be.
    """
    snapshot = make_snapshot(
        [make_product("a", "tent", price=0), make_product("b", "tent", price=0)]
    )

    assert why(snapshot, "a", "b").price.closeness == 1


def test_price_of_one_is_compared_with_nothing(shelf):
    """
    Without a price of both there is nothing to say; nor of several seen.
    """
    snapshot = make_snapshot(
        [make_product("a", "tent", price=20), make_product("b", "tent")]
    )
    rows = [snapshot.find(make_key(id_)) for id_ in "ab"]

    assert why(snapshot, "a", "b").price is None
    assert why(snapshot, "b", "a").price is None
    assert math.isnan(Seen.of_rows(rows).price)
    assert math.isnan(Seen.of_rows(rows[:1], ["tent"]).price)


@pytest.mark.parametrize("display", [{}, {"name": 5, "description": ["x"]}])
def test_display_may_be_anything(display):
    """
    What the page shows need not have texts.
    """
    products = [make_product(id_, "tent", display=display) for id_ in "ab"]

    reasons = why(make_snapshot(products), "a", "b")

    assert reasons.terms == ()
    assert reasons.shares[Origin.OTHER] == 1
