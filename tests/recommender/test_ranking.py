"""
What is taken is what a plain reading of the oracle would take.
"""

import math

from dataclasses import replace
from itertools import chain

import hypothesis.strategies as st
import numpy as np
import pytest

from hypothesis import given, settings

from recommender import ranking
from recommender import snapshot as snapshots
from recommender.filters import NO_FILTERS, Filters
from recommender.mutation import Delete, Upsert
from recommender.query import Part, Query, blend
from recommender.ranking import Choice, choose
from recommender.relations import NO_RULES, Rules, add_rules
from recommender.snapshot import Snapshot
from tests.support.plain import Plain, obeys, passes
from tests.support.products import (
    WEIGHTS,
    ids,
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    make_snapshot,
)


TEN = Choice(limit=10)


def make_varied(count):
    """
    Return a catalogue of which a page shows the brand and a size, too.
    """
    return [
        product._replace(
            display=b'{"size":%d,"brand":"%s"}' % (i % 5, product.brand.encode())
            if i % 7
            else b"{}",
        )
        for i, product in enumerate(make_catalogue(count))
    ]


CATALOGUE = make_varied(320)
PLAIN = Plain.of(CATALOGUE, WEIGHTS)
BY_KEY = PLAIN.products


def make_layered():
    """
    Return the catalogue's snapshot in several segments, with dead rows in some.
    """
    index = make_index([*CATALOGUE[:200], make_product("gone", "red kettle")])
    index.freeze()
    index.apply([Delete(make_key("gone")), Upsert(CATALOGUE[3]._replace(price=1.0))])
    index.freeze()
    index.apply(map(Upsert, [CATALOGUE[3], *CATALOGUE[200:]]))
    return Snapshot.derive(make_generation(index))


SNAPSHOT = make_layered()

KEYS = st.sampled_from([product.key for product in CATALOGUE])
CATEGORIES = st.sampled_from(["home", "Kitchen", "Home > Light", "Outdoor", "None"])
BRANDS = st.sampled_from(["aldo", "Brimm", "CORVA", "None"])
PRICES = st.sampled_from([None, 5.0, 7.5, 10.0, 19.99])
SOME = {"max_size": 2}
FILTERS = st.builds(
    Filters,
    categories=st.lists(CATEGORIES, **SOME).map(tuple),
    not_categories=st.lists(CATEGORIES, **SOME).map(tuple),
    brands=st.lists(BRANDS, **SOME).map(tuple),
    not_brands=st.lists(BRANDS, **SOME).map(tuple),
    min_price=PRICES,
    max_price=PRICES,
    in_stock=st.sampled_from([None, None, True, False]),
    exclude=st.frozensets(KEYS, max_size=3),
)
MAYBE = st.sampled_from([None, None, True, False])
RULES = st.builds(
    Rules,
    price_within=st.sampled_from([None, None, 0.0, 0.5, 1.2]),
    cheaper=MAYBE,
    same_brand=MAYBE,
    same_category=MAYBE,
)
CHOICES = st.builds(
    Choice,
    limit=st.integers(1, 40),
    offset=st.sampled_from([0, 0, 1, 13]),
    least=st.sampled_from([0.0, 0.0, 0.2, 0.5]),
    diversity=st.sampled_from([0.0, 0.0, 0.3, 0.9, 1.0]),
    one_per=st.sampled_from(["", "", "size", "brand", "absent"]),
)


def is_wanted(key, filters, rules):
    """
    Return whether a product may be returned, as a plain function of it.
    """
    return lambda product: (
        product.key != key
        and passes(product, filters)
        and obeys(product, rules, [BY_KEY[key]])
    )


def taken(key, filters=NO_FILTERS, rules=NO_RULES, choice=TEN):
    """
    Return the keys of what the snapshot takes for one product.
    """
    row = SNAPSHOT.find(key)
    asked = add_rules(filters, rules, [row])
    asked = replace(asked, exclude=filters.exclude | {key})
    return [hit.key for hit in choose(SNAPSHOT, SNAPSHOT.query(row), asked, choice)]


@settings(max_examples=300)
@given(KEYS, FILTERS, RULES, CHOICES)
def test_whatever_is_asked_the_oracle_agrees(key, filters, rules, choice):
    """
    Any filters, rules and choice at once take exactly what a plain loop over the
    products and their scores from scratch takes.
    """
    expected = PLAIN.choose(PLAIN.vector(key), is_wanted(key, filters, rules), choice)

    assert taken(key, filters, rules, choice) == expected


@settings(max_examples=100)
@given(
    st.lists(st.tuples(KEYS, st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=4),
    st.lists(st.tuples(KEYS, st.sampled_from([0.5, 1.0])), max_size=2),
    RULES,
    CHOICES,
)
def test_several_products_at_once(wanted, unwanted, rules, choice):
    """
    A blend is the weighted mean of what is wanted less half of that of what is not,
    never below zero; rules hold for one of those wanted, or, denied, for none.
    """
    seen = [SNAPSHOT.find(key) for key, _ in wanted]
    keys = {key for key, _ in wanted + unwanted}
    query = Query.of(blend(to_parts(wanted), to_parts(unwanted)))
    filters = add_rules(Filters(exclude=frozenset(keys)), rules, seen)

    hits = choose(SNAPSHOT, query, filters, choice)

    vector = np.maximum(0, mean(wanted) - 0.5 * mean(unwanted))
    products = [BY_KEY[key] for key, _ in wanted]
    expected = PLAIN.choose(
        np.where(vector > 1e-12, vector, 0),
        lambda product: product.key not in keys and obeys(product, rules, products),
        choice,
    )
    assert [hit.key for hit in hits] == expected


def to_parts(weighted):
    return [
        Part(SNAPSHOT.vector(SNAPSHOT.find(key)), weight) for key, weight in weighted
    ]


def mean(weighted):
    total = sum(weight for _, weight in weighted) or 1.0
    parts = [PLAIN.vector(key) * (weight / total) for key, weight in weighted]
    return np.sum([np.zeros(len(PLAIN.oracle.terms)), *parts], axis=0)


def test_one_product_blended_is_that_product():
    """
    A single item asks for what the product itself asks for.
    """
    row = SNAPSHOT.find(make_key("7"))
    query = Query.of(blend([Part(SNAPSHOT.vector(row), 3.0)]))

    one, other = (
        choose(SNAPSHOT, query, NO_FILTERS, TEN),
        SNAPSHOT.best(SNAPSHOT.query(row), 10),
    )

    assert ids(hit.key for hit in one) == ids(hit.key for hit in other)
    assert [hit.score for hit in one] == pytest.approx([hit.score for hit in other])


def test_nothing_wanted_finds_nothing():
    """
    What is wanted and unwanted at once, fully, asks for nothing.
    """
    vector = SNAPSHOT.vector(SNAPSHOT.find(make_key("7")))

    assert choose(SNAPSHOT, Query.of(blend([])), NO_FILTERS, TEN) == []
    assert choose(SNAPSHOT, Query.of(blend([], [Part(vector)])), NO_FILTERS, TEN) == []


@pytest.mark.parametrize("diversity", [0.0, 0.4])
def test_pages_are_parts_of_one_list(diversity):
    """
    Pages behind one another are the longer page.
    """
    whole = taken(make_key("7"), choice=Choice(limit=60, diversity=diversity))
    pages = [
        taken(make_key("7"), choice=Choice(limit=20, offset=at, diversity=diversity))
        for at in (0, 20, 40)
    ]

    assert list(chain.from_iterable(pages)) == whole


@pytest.mark.parametrize("many", [0, 5, 10_000])
def test_how_many_are_kept_at_once_makes_no_difference(monkeypatch, many):
    """
    Keeping the best and sorting all are the same to who asks.
    """
    expected = taken(make_key("7"), choice=Choice(limit=100))
    monkeypatch.setattr(snapshots, "MANY", many)

    assert taken(make_key("7"), choice=Choice(limit=100)) == expected


def test_one_of_each_is_looked_for_as_far_as_need_be(monkeypatch):
    """
    The hundredth product may be the first of its kind.
    """
    monkeypatch.setattr(ranking, "FIRST", 2)
    same = [
        make_product(f"a{i}", "red kettle", display={"group": 1}) for i in range(100)
    ]
    rare = make_product("b", "red tent with a long name", display={"group": 2})
    snapshot = make_snapshot([*same, rare, make_product("asked", "red kettle")])
    query = snapshot.query(snapshot.find(make_key("asked")))
    exclude = Filters(exclude=frozenset({make_key("asked")}))

    hits = choose(snapshot, query, exclude, Choice(limit=5, one_per="group"))

    assert ids(hit.key for hit in hits) == ["a0", "b"]


def test_diverse_answers_are_less_alike():
    """
    Ten twins and one other thing: with diversity the other thing comes second.
    """
    twins = [make_product(f"t{i}", "red steel kettle") for i in range(10)]
    other = make_product("other", "steel lamp")
    snapshot = make_snapshot([*twins, other, make_product("asked", "red steel kettle")])
    query = snapshot.query(snapshot.find(make_key("asked")))
    exclude = Filters(exclude=frozenset({make_key("asked")}))

    plain = choose(snapshot, query, exclude, Choice(limit=2))
    diverse = choose(snapshot, query, exclude, Choice(limit=2, diversity=0.7))

    assert ids(hit.key for hit in plain) == ["t0", "t1"]
    assert ids(hit.key for hit in diverse) == ["t0", "other"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(price_within=0.25), ["near"]),
        (Rules(price_within=9.0), ["near", "dear", "cheap"]),
        (Rules(cheaper=True), ["cheap"]),
        (Rules(cheaper=False), ["near", "dear"]),
        (Rules(same_brand=True), ["near"]),
        (Rules(same_brand=False), ["dear", "cheap", "bare"]),
        (Rules(same_category=True), ["near", "dear"]),
        (Rules(same_category=False), ["cheap", "bare"]),
        (Rules(same_category=True, same_brand=False), ["dear"]),
    ],
    ids=repr,
)
def test_rules(rules, expected):
    """
    Each rule compares with the product seen; a category holds what is below it.
    """
    snapshot = make_snapshot(
        [
            make_product("asked", "kettle", brand="A", price=20, category=("H", "K")),
            make_product("near", "kettle", brand="a", price=25, category=("h", "k")),
            make_product("dear", "kettle", price=60, category=("H", "K", "Deep")),
            make_product("cheap", "kettle", brand="B", price=5, category=("X", "K")),
            make_product("bare", "kettle"),
        ]
    )
    row = snapshot.find(make_key("asked"))
    filters = add_rules(Filters(exclude=frozenset({row.key})), rules, [row])

    hits = choose(snapshot, snapshot.query(row), filters, TEN)

    assert set(ids(hit.key for hit in hits)) == set(expected)


@pytest.mark.parametrize(
    ("rules", "count"),
    [
        (Rules(price_within=1.0), 0),
        (Rules(cheaper=True), 0),
        (Rules(cheaper=False), 0),
        (Rules(same_brand=True), 0),
        (Rules(same_brand=False), 1),
        (Rules(same_category=True), 0),
        (Rules(same_category=False), 1),
    ],
    ids=repr,
)
def test_product_with_nothing_to_compare(rules, count):
    """
    What was seen without price, brand and category is like nothing in them.
    """
    other = make_product("b", "kettle", brand="A", price=5, category=("H",))
    snapshot = make_snapshot([make_product("a", "kettle"), other])
    row = snapshot.find(make_key("a"))
    filters = add_rules(Filters(exclude=frozenset({row.key})), rules, [row])

    assert math.isnan(row.price)
    assert len(choose(snapshot, snapshot.query(row), filters, TEN)) == count
