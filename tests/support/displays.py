"""
What pages show, for tests.
"""

from __future__ import annotations

import random

from typing import Final

import orjson

from recommender.product import Product
from tests.support.products import make_catalogue


WORDS: Final = ("kettle", "steel", "lamp", "warm", "bottle", "oak", "light", "tent")


def make_objects(count: int, seed: int = 0) -> list[bytes]:
    """
    Return what pages show of *count* products of one shop, some 150 bytes each.
    """
    draw = random.Random(seed)
    return [
        orjson.dumps(
            {
                "name": " ".join(draw.choices(WORDS, k=3)),
                "description": f"A {' '.join(draw.choices(WORDS, k=12))}, {number}",
                "price": draw.randrange(10_000) / 100,
                "in_stock": draw.random() < 0.8,
            }
        )
        for number in range(count)
    ]


def make_shown(count: int) -> list[Product]:
    """
    Return *count* products of which pages show as much.
    """
    return [
        product._replace(display=display)
        for product, display in zip(
            make_catalogue(count), make_objects(count), strict=True
        )
    ]
