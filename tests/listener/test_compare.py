"""
What `verify` finds: every kind of difference, and nothing where there is none.
"""

from __future__ import annotations

import dataclasses

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from listener.compare import differences
from recommender.kernels import read_only
from recommender.product import Product
from recommender.snapshot import Snapshot
from tests.support.products import WEIGHTS, make_catalogue, make_product, make_snapshot


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
        products[key] = dataclasses.replace(products[key], **values)

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
        dataclasses.replace(view, c=read_only(view.c * np.arange(2, len(view.c) + 2)))
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
