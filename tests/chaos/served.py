"""
Whether what the server answers is what a model trained from scratch would.
"""

from __future__ import annotations

import itertools
import random

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import numpy as np
import orjson

from listener.mapping import Mapper
from listener.opening import to_weights
from listener.values.references import NO_NAMES, Names
from recommender.address import to_address
from recommender.oracle import Oracle
from recommender.product import Product
from tests.chaos.shopfront import Shopfront
from tests.chaos.stock import Document
from tests.chaos.visitors import to_path
from tests.support.documents import make_settings


SAMPLE: Final = 120
LIMIT: Final = 20
TOLERANCE: Final = 1e-6  # of scores

_SETTINGS: Final = make_settings()
_MAPPER: Final = Mapper(_SETTINGS)
WEIGHTS: Final = to_weights(_SETTINGS)


@dataclass(frozen=True, slots=True)
class Expected:
    """
    What should be served.

    Attributes:
        products: By address.
        oracle: Trained on them.
    """

    products: Mapping[str, Product]
    oracle: Oracle

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Expected:
        """
        Train on *documents*.
        """
        products = [*map(to_product, documents)]
        return cls(
            {to_address(product.key): product for product in products},
            Oracle.train(products, WEIGHTS),
        )

    def scores(self, address: str) -> dict[str, float]:
        """
        Return the score of every other visible product for one, by address.
        """
        keys = self.oracle.keys
        scores = self.oracle.scores([keys.index(self.products[address].key)])[0]
        by_address = dict(zip(map(to_address, keys), scores.tolist(), strict=True))
        return {
            other: score
            for other, score in by_address.items()
            if other != address and self.products[other].visible
        }


def to_product(document: Mapping[str, Any], _names: Names = NO_NAMES) -> Product:
    """
    Return the product of a document, as the listener makes it by default.
    """
    return _MAPPER.to_product(document).product


def served_differences(
    shopfront: Shopfront,
    expected: Expected,
    unknown: Sequence[str],
    chance: random.Random,
) -> Iterator[str]:
    """
    Yield how answers differ from what is expected: counts, and those for a sample.

    Args:
        unknown: Addresses of products that do not exist.
    """
    model = shopfront.read_model()
    visible = sum(product.visible for product in expected.products.values())
    if (model["products"], model["visible"]) != (len(expected.products), visible):
        yield f"{len(expected.products)} products, {visible} visible, but served {model}"
    addresses = sorted({*expected.products, *unknown})
    for address in chance.sample(addresses, min(SAMPLE, len(addresses))):
        for fault in _faults(shopfront, expected, address):
            yield f"{address}: {fault}"


def _faults(shopfront: Shopfront, expected: Expected, address: str) -> Iterator[str]:
    product = expected.products.get(address)
    itself = shopfront.ask(to_path(address))
    similar = shopfront.ask(f"{to_path(address)}/similar?limit={LIMIT}")
    statuses = {itself.status, similar.status}
    if product is None or not product.visible:
        if statuses != {HTTPStatus.NOT_FOUND}:
            yield f"it should not be known, but {statuses}"
    elif statuses != {HTTPStatus.OK}:
        yield f"it should be known, but {statuses}"
    else:
        yield from _item_faults(expected, itself.json["items"])
        yield from _item_faults(expected, similar.json["items"])
        yield from ranking_faults(similar.json["items"], expected.scores(address))


def _item_faults(
    expected: Expected, items: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    for item in items:
        product = expected.products.get(item["id"])
        if product is None:
            yield f"{item['id']} does not exist"
        elif orjson.loads(product.display) != item["product"]:
            yield f"{item['product']} should be {product.display.decode()}"


def ranking_faults(
    items: Sequence[Mapping[str, Any]], scores: Mapping[str, float]
) -> Iterator[str]:
    """
    Yield why *items* are not the `LIMIT` best by *scores*, up to ties.
    """
    served = {item["id"]: item["score"] for item in items}
    for id_, score in served.items():
        if not np.isclose(score, scores.get(id_, 0.0), rtol=0, atol=TOLERANCE):
            yield f"{id_} scores {score}, should {scores.get(id_)}"
    if any(a < b for a, b in itertools.pairwise(served.values())):
        yield "scores rise"
    bar = min(served.values()) if len(served) == LIMIT else 0.0
    missed = {
        id_: score
        for id_, score in scores.items()
        if score > bar + TOLERANCE and id_ not in served
    }
    if missed:
        yield f"missing: {missed}"
