"""
A catalogue of any size, always the same for one seed.
"""

from __future__ import annotations

import itertools
import math
import random

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson import ObjectId

from benchmarks.words import COMMON_AMONG_FEW, draw_rank, to_model_number, to_word


Document = dict[str, Any]

DEPARTMENTS: Final = 12
CATEGORIES: Final = 240
BRANDS: Final = 2_000
LARGEST_FAMILY: Final = 12
FAMILIES: Final = 1.6  # exponent of their sizes: a third have two variants or more
DESCRIPTION: Final = range(18, 38)  # words
OWN_WORDS: Final = 0.4  # of a text: words that its category uses, others not
COLOURS: Final = (
    "black", "white", "red", "blue", "green", "grey", "silver", "brown", "beige",
    "pink", "yellow", "orange",
)  # fmt: skip
SIZES: Final = ("small", "medium", "large", "compact", "slim", "double")
STATUSES: Final = ("approved", "pending", "rejected")
STATUS_WEIGHTS: Final = (92, 6, 2)
SOLD_OUT: Final = 0.15
MIDDLE_PRICE: Final = math.log(35.0)
SPREAD: Final = 1.0  # of the price's logarithm
BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)


def generate(seed: int = 0) -> Iterator[Document]:
    """
    Yield products without end, as a shop's backend stores them.

    Variants of one family follow one another and share their description.
    """
    draw = random.Random(seed)  # noqa: S311 a catalogue is no secret
    numbers = itertools.count()
    while True:
        family = _Family(draw)
        for _ in range(family.size):
            yield family.product(next(numbers))


def generate_new(seed: int) -> Iterator[Document]:
    """
    Yield products without end that no catalogue holds, nor another seed.
    """
    for number, document in enumerate(generate(seed)):
        yield {**document, "_id": f"new-{seed}-{number}"}


def to_id(number: int) -> ObjectId:
    """
    Return the id of the product with that number.
    """
    return ObjectId(f"{0x5F00_0000 + number // 1000:08x}{number:016x}")


class _Family:
    """
    Variants of one product.
    """

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.size = min(LARGEST_FAMILY, int(draw.paretovariate(FAMILIES)))
        self._category = _zipf(draw, CATEGORIES)
        self._department = to_word(self._category % DEPARTMENTS + 2_500).capitalize()
        self._shelf = to_word(self._category + 2_600).capitalize()
        self._brand = to_word(_zipf(draw, BRANDS) + 3_000).capitalize()
        self._noun = self._own(_zipf(draw, 8))
        self._words = self._text(draw.choice(DESCRIPTION))
        self._tags = [self._own(_zipf(draw, 30)) for _ in range(draw.randrange(2, 5))]
        self._price = draw.lognormvariate(MIDDLE_PRICE, SPREAD)

    def product(self, number: int) -> Document:
        """
        Return one variant.
        """
        draw = self._draw
        look = (draw.choice(SIZES), draw.choice(COLOURS))
        model = to_model_number(number)
        return {
            "_id": to_id(number),
            "name": " ".join((self._brand, *look, self._noun, model)),
            "description": self._words,
            "category": [self._department, self._shelf],
            "brand": self._brand,
            "price": round(self._price * draw.uniform(0.9, 1.2), 2),
            "stock": 0 if draw.random() < SOLD_OUT else draw.randrange(1, 200),
            "rating": round(draw.uniform(2.5, 5.0), 1),
            "tags": self._tags,
            "status": draw.choices(STATUSES, STATUS_WEIGHTS)[0],
            "image": f"https://images.example.com/{model.lower()}.jpg",
            "createdAt": BEGINNING + timedelta(minutes=number),
        }

    def _text(self, length: int) -> str:
        words = (
            self._own(draw_rank(self._draw, COMMON_AMONG_FEW))
            if self._draw.random() < OWN_WORDS
            else to_word(draw_rank(self._draw))
            for _ in range(length)
        )
        return " ".join(words)

    def _own(self, rank: int) -> str:
        return to_word(rank * CATEGORIES + self._category) + "o"


def _zipf(draw: random.Random, count: int) -> int:
    """
    Return a number below *count*, by Zipf's law.
    """
    return min(count - 1, int(math.exp(draw.random() * math.log(count + 1))) - 1)


def to_text(document: Document) -> str:
    """
    Return all that a product says, as one who trains a model from scratch would.
    """
    parts: list[str] = []
    for name in ("name", "description", "brand", "category", "tags"):
        value = document.get(name)
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, Sequence):
            parts.extend(map(str, value))
    return " ".join(parts)
