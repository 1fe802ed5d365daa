"""
What was bought together is what the orders say, whatever became of them.
"""

import hypothesis.strategies as st
import numpy as np
import pytest

from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from scipy.stats import chi2_contingency

from recommender import index as index_module
from recommender.index import Index
from recommender.mutation import Clear, Delete, Upsert
from recommender.order import ORDER_WEIGHTS, to_row
from recommender.segment import key_hash
from recommender.snapshot import Snapshot
from recommender.together import (
    LEAST_SUPPORT,
    Companions,
    companions,
    likelihood_ratios,
    scores,
    strongest,
)
from tests.support.orders import check_pairs, make_order, make_orders
from tests.support.products import compact, make_generation, make_key


PRODUCTS = [f"p{number}" for number in range(8)]


class Orders(RuleBasedStateMachine):
    """
    Orders that are placed, edited, cancelled, revived and removed, in segments that are
    merged, read by one who follows each generation.
    """

    def __init__(self):
        super().__init__()
        self.index = Index(ORDER_WEIGHTS)
        self.baskets = {}
        self.snapshot = None
        self.patch = pytest.MonkeyPatch()

    @initialize()
    def begin(self):
        for name, size in {"SMALL_ROWS": 3, "LARGEST_PENDING": 5, "FANOUT": 2}.items():
            self.patch.setattr(index_module, name, size)

    def teardown(self):
        self.patch.undo()

    @rule(
        id_=st.integers(0, 9),
        products=st.lists(st.sampled_from(PRODUCTS), max_size=5),
        counts=st.booleans(),
    )
    def write(self, id_, products, counts):
        order = make_order(f"o{id_}", products, counts=counts)
        self.index.apply([Upsert(to_row(order))])
        self.baskets[order.key] = order.products if counts else ()

    @rule(id_=st.integers(0, 9))
    def remove(self, id_):
        key = make_key(f"o{id_}")
        self.index.apply([Delete(key)])
        self.baskets.pop(key, None)

    @rule()
    def clear(self):
        self.index.apply([Clear()])
        self.baskets.clear()

    @rule()
    def merge(self):
        compact(self.index)

    @rule()
    def publish(self):
        generation = make_generation(self.index)
        self.snapshot = Snapshot.derive(generation, self.snapshot)
        check_pairs(self.snapshot, self.baskets)
        check_pairs(Snapshot.derive(generation), self.baskets)


TestOrders = Orders.TestCase


def of_tea(orders, least_support=LEAST_SUPPORT):
    found = companions(orders, make_key("tea"))
    return list(strongest(orders, found, least_support))


def test_an_order_without_its_products_is_gone_from_all_counts():
    """
    What was cancelled is subtracted, and nothing is known of the pair any more.
    """
    basket = ["tea", "pot"]
    orders = [make_order("a", basket), make_order("b", basket, counts=False)]
    found = companions(make_orders(orders), make_key("tea"))
    assert (found.together.tolist(), found.asked, found.total) == ([1], 1, 1)
    cancelled = [make_order(name, basket, counts=False) for name in "ab"]
    none = companions(make_orders(cancelled), make_key("tea"))
    assert (len(none.terms), none.asked, none.total) == (0, 0, 0)


def test_a_product_nobody_bought_has_no_companions():
    """
    Neither in no orders, nor in those of other products.
    """
    assert not of_tea(make_orders([]))
    orders = make_orders([make_order("a", ["pot", "cup"])])
    assert not of_tea(orders)


def test_what_is_bought_with_it_stands_before_what_everybody_buys():
    """
    The bag is in every order, so that it says nothing of the tea; the pot is in those
    with tea alone.
    """
    with_tea = [make_order(f"t{i}", ["tea", "pot", "bag"]) for i in range(5)]
    without = [make_order(f"x{i}", ["lamp", "bag"]) for i in range(20)]
    found = of_tea(make_orders([*with_tea, *without]))
    assert [one.key_hash for one in found] == [key_hash(make_key("pot"))]
    assert found[0].together == len(with_tea)


def test_what_happened_once_is_no_companion():
    """
    A single order may be chance, however rare both are.
    """
    others = [make_order(f"x{i}", ["lamp", "bag"]) for i in range(20)]
    once = make_orders([make_order("a", ["tea", "pot"]), *others])
    assert not of_tea(once)
    assert of_tea(once, 1)


def test_ratios_are_those_of_scipy():
    """
    G² as scipy has it for the same tables, without its correction.
    """
    found = Companions(
        np.arange(4, dtype=np.uint64),
        *(np.zeros(4, np.int64),) * 2,
        together=np.array([1, 5, 10, 3]),
        orders=np.array([1, 5, 40, 90]),
        asked=10,
        total=100,
    )
    for place, ratio in enumerate(likelihood_ratios(found)):
        k11, k2 = found.together[place], found.orders[place]
        table = [[k11, 10 - k11], [k2 - k11, 100 - 10 - k2 + k11]]
        expected = chi2_contingency(table, correction=False, lambda_=0)
        assert ratio == pytest.approx(expected.statistic)


def test_a_score_is_the_part_of_orders_beyond_chance():
    """
    Eight of ten orders, where two were to be expected, over ten and the shrinkage; and
    nothing of a pair that is met less often than by chance.
    """
    found = Companions(
        np.arange(2, dtype=np.uint64),
        *(np.zeros(2, np.int64),) * 2,
        together=np.array([8, 2]),
        orders=np.array([20, 90]),
        asked=10,
        total=100,
    )
    assert scores(found).tolist() == [6 / 15, 0.0]
