"""
A model of documents with attributes, and in several languages, follows every change.
"""

from __future__ import annotations

from random import Random
from typing import Any

from listener.assembly import to_weights
from listener.mapping import Mapper
from recommender.mutation import Delete, Upsert
from recommender.product import Product
from recommender.snapshot import Snapshot
from tests.support.documents import make_document, make_settings
from tests.support.products import compact, make_generation, make_index
from tests.support.truth import check_snapshot


VALUES = ("Black", "Sea blue", "Oak wood", "10x15", "1.5L", "WH-1000XM4", "红色 不锈钢")
NAMES = ("Steel kettle", "不锈钢电热水壶", "ÇELİK ÇAYDANLIK", "Bouilloire électrique")
SHAPES = (
    lambda one, other: {"colour": one, "width": 12.5, "more": {"finish": other}},
    lambda one, other: [{"name": "Colour", "options": [one, other]}],
    lambda one, other: [{"attribute": {"slug": "x"}, "values": [{"name": one}]}, other],
    lambda one, _: f"Colour: {one}",
    lambda *_: 5,
    lambda *_: None,
)


def make_one(id_: int, chance: Random) -> dict[str, Any]:
    """
    Return a document by chance.
    """
    shape = chance.choice(SHAPES)
    attributes = shape(chance.choice(VALUES), chance.choice(VALUES))
    name = f"{chance.choice(NAMES)} {chance.choice(VALUES)}"
    return make_document(_id=id_, name=name, attributes=attributes)


def test_the_model_equals_one_trained_from_scratch() -> None:
    """
    After each round of writes, with the default weights.
    """
    chance = Random(5)
    settings = make_settings()
    mapper, weights = Mapper(settings), to_weights(settings)
    index = make_index(weights=weights)
    living: dict[bytes, Product] = {}
    snapshot: Snapshot | None = None
    for step in range(24):
        for _ in range(chance.randint(1, 12)):
            product = mapper.to_product(make_one(chance.randrange(40), chance)).product
            if chance.random() < 0.2:
                living.pop(product.key, None)
                index.apply([Delete(product.key)])
            else:
                living[product.key] = product
                index.apply([Upsert(product)])
        if step % 7 == 6:
            compact(index)
        snapshot = Snapshot.derive(make_generation(index), snapshot)
        check_snapshot(snapshot, living.values(), weights)
    assert any("attributes" in product.texts for product in living.values())


def test_products_with_the_same_attributes_are_alike() -> None:
    """
    Of two that are called alike, the one of the same colour comes first.
    """
    settings = make_settings()
    mapper = Mapper(settings)
    documents = [
        {"_id": 1, "name": "Mug", "attributes": {"colour": "Black"}},
        {"_id": 2, "name": "Mug", "attributes": [{"name": "colour", "value": "Red"}]},
        {"_id": 3, "name": "Mug", "attributes": [{"name": "colour", "value": "Black"}]},
    ]
    products = [mapper.to_product(document).product for document in documents]
    snapshot = Snapshot.derive(
        make_generation(make_index(products, to_weights(settings)))
    )

    hits = snapshot.similar(products[0].key, limit=2)

    assert [hit.key for hit in hits] == [products[2].key, products[1].key]
