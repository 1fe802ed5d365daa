"""
Orders, and the pairs in them counted plainly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import permutations

from recommender.order import ORDER_WEIGHTS, Order, to_row, to_term
from recommender.snapshot import Snapshot
from recommender.together import companions
from tests.support.products import make_key, make_snapshot


def make_order(id_: str, products: Iterable[str], *, counts: bool = True) -> Order:
    """
    Return an order of products with such ids.
    """
    return Order(make_key(id_), frozenset(map(make_key, products)), counts)


def make_orders(orders: Iterable[Order]) -> Snapshot:
    """
    Return the model of *orders*.
    """
    return make_snapshot(map(to_row, orders), ORDER_WEIGHTS)


def count_pairs(baskets: Iterable[Iterable[bytes]]) -> Counter[tuple[bytes, bytes]]:
    """
    Return in how many baskets each two keys are, both ways; the truth that the model
    answers to.
    """
    return Counter(pair for basket in baskets for pair in permutations(set(basket), 2))


def check_pairs(snapshot: Snapshot, baskets: Mapping[bytes, Iterable[bytes]]) -> None:
    """
    Fail unless the model counts what *baskets*, by order, hold: all pairs, all orders
    of each product, and how many orders there are.
    """
    baskets = {key: set(basket) for key, basket in baskets.items() if basket}
    pairs = count_pairs(baskets.values())
    held = Counter(key for basket in baskets.values() for key in basket)
    names = {to_term(key): key for key in held}
    assert snapshot.visible == len(baskets)
    for asked in held:
        found = companions(snapshot, asked)
        assert (found.asked, found.total) == (held[asked], len(baskets))
        keys = [names[int(one)] for one in found.terms]
        together = dict(zip(keys, found.together.tolist(), strict=True))
        expected = {b: count for (a, b), count in pairs.items() if a == asked}
        assert together == expected
        orders = dict(zip(keys, found.orders.tolist(), strict=True))
        assert orders == {key: held[key] for key in expected}
