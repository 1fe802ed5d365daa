"""
Products of few orders are lent those of the products like them, exactly.
"""

import hypothesis.strategies as st
import pytest

from hypothesis import given, settings

from recommender import lent
from recommender.bought import Purchases
from recommender.filters import Filters
from recommender.index import Index
from recommender.lent import FEW, lend
from recommender.mutation import Delete, Upsert
from recommender.order import ORDER_WEIGHTS, to_row
from recommender.segment import key_hash
from recommender.snapshot import Snapshot
from recommender.together import SHRINKAGE
from tests.support.orders import make_order, make_orders
from tests.support.products import (
    WEIGHTS,
    make_generation,
    make_key,
    make_product,
    make_snapshot,
)


IDS = [f"p{number}" for number in range(8)]
NAMES = ["red kettle", "blue kettle", "red lamp", "blue lamp", "green tea", "tent"]
# so that pairs are no chance: the first two are bought together, and the next two
BASE = {
    f"b{number}": IDS[:2] if number % 2 else IDS[2:4] for number in range(24)
}  # fmt: skip
SHOP = [
    make_product("old", "steel kettle"),
    make_product("new", "steel kettle with a lid"),
    make_product("tea", "green tea"),
    make_product("pot", "brown pot"),
    make_product("tent", "tent"),
]


def purchases_of(products, orders, id_):
    row = products.find(make_key(id_))
    return lend(products, orders, row, Purchases.of(orders, row.key))


def scores_of(purchases):
    return {one.key_hash: one.score for one in purchases.companions}


def own_score(orders, id_, other):
    own = Purchases.of(orders, make_key(id_))
    return scores_of(own).get(key_hash(make_key(other)), 0.0)


def make_baskets(*baskets):
    return make_orders(
        make_order(f"o{number}", basket) for number, basket in enumerate(baskets)
    )


def test_a_new_product_is_lent_what_was_bought_with_its_like():
    """
    As if it had been bought with the same; in how many orders both are is still none.
    """
    products = make_snapshot(SHOP)
    orders = make_baskets(*[["old", "tea"]] * 6, *[["tent", "pot"]] * 20)
    found = purchases_of(products, orders, "new")
    (tea,) = found.companions
    assert tea.key_hash == key_hash(make_key("tea"))
    assert tea.score == pytest.approx(6 / (6 + SHRINKAGE), abs=1e-9)
    assert (tea.together, found.asked, found.total) == (0, 0, 26)


def test_what_it_was_bought_with_itself_outweighs_that():
    """
    The orders on top are as many as the shrinkage, whose part falls with its own.
    """
    products = make_snapshot(SHOP)
    baskets = [["old", "tea"]] * 6 + [["tent"]] * 40
    for count in (3, 8):
        orders = make_baskets(*[["new", "pot"]] * count, *baskets)
        found = scores_of(purchases_of(products, orders, "new"))
        part = SHRINKAGE / (count + SHRINKAGE)
        assert found == {
            key_hash(make_key("pot")): own_score(orders, "new", "pot"),
            key_hash(make_key("tea")): pytest.approx(
                part * 6 / (6 + SHRINKAGE), abs=1e-9
            ),
        }


def test_what_is_in_all_orders_is_not_lent():
    """
    A bag says nothing of what it is bought with, nor of what is like that.
    """
    products = make_snapshot(SHOP)
    orders = make_baskets(
        *[["old", "tea", "pot"]] * 6, *[["tent", "pot"]] * 20, ["old", "pot"]
    )
    (tea,) = purchases_of(products, orders, "new").companions

    assert tea.key_hash == key_hash(make_key("tea"))
    assert tea.score == pytest.approx(6 / (7 + SHRINKAGE), abs=1e-9)


def test_the_means_are_by_likeness():
    """
    Of what several lend, that of the more alike counts more.
    """
    products = make_snapshot([*SHOP, make_product("far", "kettle of clay")])
    orders = make_baskets(*[["old", "tea"]] * 6, *[["far", "pot"]] * 6)
    query = products.query(products.find(make_key("new")))
    cosines = {hit.key: hit.score for hit in products.best(query, 6, Filters())}
    found = scores_of(purchases_of(products, orders, "new"))

    total = cosines[make_key("old")] + cosines[make_key("far")]
    assert found == {
        key_hash(make_key(other)): pytest.approx(
            cosines[make_key(like)] / total * 6 / (6 + SHRINKAGE), abs=1e-8
        )
        for like, other in (("old", "tea"), ("far", "pot"))
    }


def test_only_the_greatest_means_are_lent(monkeypatch):
    """
    So that an answer costs no more, however much was bought with its like.
    """
    monkeypatch.setattr(lent, "MOST", 1)
    products = make_snapshot(SHOP)
    orders = make_baskets(
        *[["old", "tea"]] * 6, *[["old", "pot"]] * 4, *[["tent"]] * 20
    )

    (one,) = purchases_of(products, orders, "new").companions

    assert one.key_hash == key_hash(make_key("tea"))


def test_a_product_of_many_orders_is_lent_nothing():
    """
    Nor is one of which nothing that is like it was bought.
    """
    products = make_snapshot(SHOP)
    orders = make_baskets(
        *[["new", "pot"]] * FEW, *[["old", "tea"]] * 6, *[["tent"]] * 40
    )
    for id_ in ("new", "tea"):
        own = Purchases.of(orders, make_key(id_))
        assert own.companions
        assert purchases_of(products, orders, id_) == own


def test_a_product_is_not_lent_itself():
    """
    Though it was bought with what is like it.
    """
    products = make_snapshot(SHOP)
    orders = make_baskets(*[["old", "new"]] * 6, *[["tent"]] * 40)
    assert key_hash(make_key("new")) not in scores_of(
        purchases_of(products, orders, "new")
    )


product_changes = st.tuples(
    st.sampled_from(IDS), st.sampled_from(NAMES) | st.none(), st.booleans()
)
order_changes = st.tuples(
    st.sampled_from([*BASE, "new"]),
    st.lists(st.sampled_from(IDS), max_size=4) | st.none(),
)


@given(
    steps=st.lists(
        st.tuples(
            st.lists(product_changes, max_size=4), st.lists(order_changes, max_size=4)
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40)
def test_what_is_lent_is_a_function_of_what_there_is(steps):
    """
    After any changes of products and orders, each is lent what models that are made from
    scratch say.
    """
    shelf = {id_: make_product(id_, NAMES[at % 4]) for at, id_ in enumerate(IDS)}
    baskets = dict(BASE)
    products, orders = Index(WEIGHTS), Index(ORDER_WEIGHTS)
    products.apply(map(Upsert, shelf.values()))
    orders.apply(Upsert(to_row(make_order(id_, its))) for id_, its in baskets.items())
    seen = sold = None
    for renamed, placed in steps:
        for id_, name, visible in renamed:
            shelf.pop(id_, None)
            if name is None:
                products.apply([Delete(make_key(id_))])
            else:
                shelf[id_] = make_product(id_, name, visible=visible)
                products.apply([Upsert(shelf[id_])])
        for id_, basket in placed:
            baskets.pop(id_, None)
            if basket is None:
                orders.apply([Delete(make_key(id_))])
            else:
                baskets[id_] = basket
                orders.apply([Upsert(to_row(make_order(id_, basket)))])
        seen = Snapshot.derive(make_generation(products), seen)
        sold = Snapshot.derive(make_generation(orders), sold)
        anew = make_snapshot(shelf.values())
        sold_anew = make_orders(make_order(*one) for one in baskets.items())
        for id_ in shelf:
            assert purchases_of(seen, sold, id_) == purchases_of(anew, sold_anew, id_)
