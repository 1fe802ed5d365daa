"""
What `verify` finds: every kind of difference, and nothing where there is none.
"""

from __future__ import annotations

import dataclasses
import math

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from listener import compare
from listener.compare import LIMIT, TOLERANCE, Difference, differences, sampled
from recommender.product import Product
from recommender.snapshot import Hit, Snapshot
from recommender.successive import Successive
from recommender.weights import DEFAULT_WEIGHTS, Weights
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_key,
    make_product,
    make_snapshot,
)


Products = dict[bytes, Product]


def by_key(products: Iterable[Product]) -> Products:
    """
    Return products as the collection has them.
    """
    return {product.key: product for product in products}


@pytest.fixture(name="products")
def _products() -> Products:
    return by_key(make_catalogue(40))


def found(snapshot: Snapshot, products: Products, **more: Any) -> set[str]:
    """
    Return which parts differ.
    """
    return {one.what for one in differences(snapshot, products, WEIGHTS, **more)}


def changed(**values: Any) -> Callable[[Products], None]:
    """
    Return what changes one product of the collection behind the model's back.
    """

    def change(products: Products) -> None:
        key = min(products)
        products[key] = products[key]._replace(**values)

    return change


def flip_stock(products: Products) -> None:
    """
    Say the opposite of a product's stock.
    """
    key = min(products)
    changed(in_stock=not products[key].in_stock)(products)


def test_equal_models_do_not_differ(products: Products) -> None:
    """
    A model of just these products has no difference.
    """
    assert found(make_snapshot(products.values()), products) == set()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (changed(texts={"name": "something else"}), "terms"),
        (changed(texts={"name": "something else"}), "norm"),
        (changed(price=1234.5), "price"),
        (flip_stock, "in_stock"),
        (changed(visible=False), "visible"),
        (changed(brand="Nobody"), "brand"),
        (changed(category=("Nowhere",)), "category"),
        (changed(created_s=12.0), "created"),
        (changed(display=b'{"name":"x"}'), "display"),
        (lambda products: products.pop(min(products)), "presence"),
        (
            lambda products: products.update(by_key([make_product("extra", "lamp")])),
            "presence",
        ),
    ],
    ids=["terms", "norm", "price", "stock", "visible", "brand", "category", "created",
         "display", "extra in the model", "missing in the model"],
)  # fmt: skip
def test_each_difference_is_found(
    products: Products, change: Callable[[Products], None], what: str
) -> None:
    """
    What the collection says and the model does not is named.
    """
    snapshot = make_snapshot(products.values())
    change(products)

    assert what in found(snapshot, products)


def test_damaged_norms_change_rankings(products: Products) -> None:
    """
    A model whose derived numbers are wrong differs in norms and in rankings.
    """
    snapshot = make_snapshot(products.values())
    views = tuple(
        dataclasses.replace(
            view,
            kept_g=Successive.of(view.g * np.linspace(0.1, 1, len(view.g))),
        )
        for view in snapshot.views
    )
    damaged = dataclasses.replace(snapshot, views=views)

    assert {"norm", "ranking"} <= found(damaged, products)


def test_what_is_being_written_is_believed(products: Products) -> None:
    """
    Products that move are not compared this time.
    """
    snapshot = make_snapshot(products.values())
    changed(price=1234.5)(products)

    assert found(snapshot, products, moving={min(products)}) == set()


def test_whatever_happens_to_what_is_being_written(products: Products) -> None:
    """
    So are those that only one of both has; what rests is compared all the same.
    """
    snapshot = make_snapshot(products.values())
    gone, kept = sorted(products)[:2]
    del products[gone]
    extra = make_product("extra", "red lamp")
    products[extra.key] = extra
    products[kept] = products[kept]._replace(price=1234.5)

    found_ = list(differences(snapshot, products, WEIGHTS, {gone, extra.key}))

    assert [one.what for one in found_] == ["price"]


def test_nothing_equals_nothing() -> None:
    """
    An empty model of an empty collection has no difference.
    """
    assert found(make_snapshot([]), {}) == set()


@pytest.mark.parametrize("name", ["", "kettle"], ids=["no term", "one term"])
def test_one_product(name: str) -> None:
    """
    A product without a neighbour, or even a term, is compared as any other.
    """
    products = by_key([make_product("1", name)])

    assert found(make_snapshot(products.values()), products) == set()


def test_products_that_are_all_the_same() -> None:
    """
    Ties may stand in any order that the model has: no ranking is wrong.
    """
    products = by_key(
        make_product(str(number), "red kettle") for number in range(3 * LIMIT)
    )

    assert found(make_snapshot(products.values()), products) == set()


def test_what_is_unknown_in_both_is_equal() -> None:
    """
    A price or a time of creation that is not known does not differ from itself, and
    does from one that is.
    """
    unknown = by_key([make_product("1", "kettle")])
    known = by_key([make_product("1", "kettle", price=3.0, created_s=4.0)])
    assert math.isnan(unknown[make_key("1")].price)

    assert found(make_snapshot(unknown.values()), unknown) == set()
    assert found(make_snapshot(unknown.values()), known) == {"price", "created"}


def test_weights_that_differ(products: Products) -> None:
    """
    A model trained with other weights differs in the weights of the same terms.
    """
    snapshot = make_snapshot(products.values())
    heavy = Weights({**DEFAULT_WEIGHTS, "name": 7.0})

    parts = {one.what for one in differences(snapshot, products, heavy)}

    assert {"weights", "norm"} <= parts
    assert "terms" not in parts


def test_terms_are_named(products: Products) -> None:
    """
    A difference of terms names those that only one of both has.
    """
    key = make_key("one")
    products[key] = make_product("one", "kettle")
    snapshot = make_snapshot(products.values())
    products[key] = make_product("one", "lamp")

    (one,) = (
        one for one in differences(snapshot, products, WEIGHTS) if one.what == "terms"
    )

    assert (one.product_id, one.model, one.collection) == ("one", "kettle", "lamp")


# rankings that no model of ours gives


class Lying:
    """
    A snapshot that answers otherwise.
    """

    def __init__(
        self, snapshot: Snapshot, lie: Callable[[list[Hit]], list[Hit]]
    ) -> None:
        self._snapshot = snapshot
        self._lie = lie

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    def similar(self, key: bytes, **more: Any) -> list[Hit]:
        """
        Answer what is not true.
        """
        return self._lie(self._snapshot.similar(key, **more))


def rankings(
    products: Products, lie: Callable[[list[Hit]], list[Hit]]
) -> list[Difference]:
    """
    Return the differences of a model that lies in its answers only.
    """
    lying: Any = Lying(make_snapshot(products.values()), lie)
    found_ = list(differences(lying, products, WEIGHTS))
    assert {one.what for one in found_} <= {"ranking"}
    return found_


def raised(hits: list[Hit], by: float) -> list[Hit]:
    """
    Return hits with higher scores.
    """
    return [hit._replace(score=hit.score + by) for hit in hits]


@pytest.mark.parametrize(
    ("lie", "fault"),
    [
        (lambda hits: raised(hits, 2 * TOLERANCE), "scores "),
        (lambda hits: hits[::-1], "scores fall"),
        (lambda hits: hits[1:], "is missing"),
        (lambda _hits: [], "is missing"),
    ],
    ids=["score", "order", "best missing", "empty"],
)
def test_ranking_that_is_wrong(
    products: Products, lie: Callable[[list[Hit]], list[Hit]], fault: str
) -> None:
    """
    A wrong score, a wrong order and a better product that does not come are found.
    """
    found_ = rankings(products, lie)

    assert found_
    assert all(fault in one.collection for one in found_)


@pytest.mark.parametrize(
    "lie",
    [lambda hits: hits, lambda hits: raised(hits, TOLERANCE / 2)],
    ids=["true", "rounded"],
)
def test_ranking_that_is_good_enough(
    products: Products, lie: Callable[[list[Hit]], list[Hit]]
) -> None:
    """
    Scores within the tolerance are right.
    """
    assert not rankings(products, lie)


def test_hidden_products_that_are_returned(products: Products) -> None:
    """
    A hidden product has no place in an answer; nor has the product itself.
    """
    hidden = next(key for key, product in products.items() if not product.visible)
    snapshot = make_snapshot(products.values())
    of_itself = snapshot.similar(min(products), limit=1)[0]

    def smuggle(_hits: list[Hit]) -> list[Hit]:
        return [of_itself._replace(key=hidden)]

    assert rankings(products, smuggle)


@pytest.mark.parametrize(
    ("lie", "fault"),
    [
        (
            lambda hits: [hits[0]._replace(key=make_key("gone"))],
            "gone is no product",
        ),
        (lambda hits: [hits[0], *hits[:-1]], "one comes twice"),
    ],
    ids=["stranger", "twice"],
)
def test_what_no_ranking_has(
    products: Products, lie: Callable[[list[Hit]], list[Hit]], fault: str
) -> None:
    """
    What is not in the collection, and what is there already, has no place in an answer.
    """
    found_ = rankings(products, lambda hits: lie(hits) if hits else hits)

    assert fault in {one.collection for one in found_}


def test_many_at_once_are_compared_in_pieces(
    products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However few scores fit into memory, each ranking is compared once.
    """
    whole = rankings(products, lambda _hits: [])
    monkeypatch.setattr(compare, "ROOM", 3 * len(products))

    assert rankings(products, lambda _hits: []) == whole


def test_sample_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Of too many keys a sample is taken, always the same; of others all.
    """
    keys = [make_key(str(number)) for number in range(50)]
    assert sampled(keys) == keys
    monkeypatch.setattr(compare, "ALL_RANKINGS", 20)

    sample = sampled(keys)

    assert sample == sampled(keys)
    assert len(set(sample)) == 20
    assert set(sample) < set(keys)


@pytest.mark.parametrize(
    ("products", "rankings"),
    [
        (0, 0),
        (20_000, 20_000),
        (100_000, 20_000),
        (1_000_000, 2_000),
        (100_000_000, 1_000),
    ],
)
def test_rankings_of(products: int, rankings: int) -> None:
    """
    Fewer of very many, since each is compared with all.
    """
    assert compare.rankings_of(products) == rankings


def test_only_the_sample_is_ranked(
    products: Products, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Beyond the limit the rankings of the sample are compared, and no others.
    """
    monkeypatch.setattr(compare, "ALL_RANKINGS", 5)

    assert 0 < len(rankings(products, lambda _hits: [])) <= 5
