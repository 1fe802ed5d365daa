"""
Products with what is recommended for them and why, for people to judge.
"""

from __future__ import annotations

import random

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from listener.evaluate.asking import LIMIT, SEED
from listener.evaluate.catalogue import Catalogue
from recommender.reasons import Seen, explain
from recommender.snapshot import Row
from server.sentence import to_sentence


COUNT: Final = 20
PICTURE: Final = "data:image/"  # all others lie elsewhere, and a report shows itself


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A product as people see it.

    Attributes:
        picture: A data URL, or empty.
    """

    name: str
    category: str
    brand: str
    price: float
    picture: str

    @classmethod
    def of(cls, row: Row) -> Shown:
        """
        Return what is shown of a product.
        """
        shown: dict[str, Any] = orjson.loads(row.display)
        image = shown.get("image")
        is_here = isinstance(image, str) and image.startswith(PICTURE)
        return cls(
            name=str(shown.get("name") or row.key.decode(errors="replace")),
            category=row.category,
            brand=row.brand,
            price=row.price,
            picture=str(image) if is_here else "",
        )


@dataclass(frozen=True, slots=True)
class Neighbour:
    """
    A recommendation, its score and the reason.
    """

    product: Shown
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Example:
    """
    A product, and what each model recommends for it, best first.
    """

    product: Shown
    lists: tuple[tuple[Neighbour, ...], ...]


def choose_examples(catalogues: Sequence[Catalogue]) -> list[Example]:
    """
    Return `COUNT` products by chance, always the same of one catalogue, that all models
    know, and what each recommends.
    """
    first, *others = catalogues
    known = [key for key in first.places if all(key in o.places for o in others)]
    keys = random.Random(SEED).sample(known, min(COUNT, len(known)))  # noqa: S311
    return [
        Example(
            Shown.of(first.rows[first.places[key]]),
            tuple(_neighbours(catalogue, key) for catalogue in catalogues),
        )
        for key in keys
    ]


def _neighbours(catalogue: Catalogue, key: bytes) -> tuple[Neighbour, ...]:
    snapshot = catalogue.snapshot
    row = catalogue.rows[catalogue.places[key]]
    query, seen = snapshot.query(row), Seen.of_rows([row])
    return tuple(
        Neighbour(
            Shown.of(hit.row),
            hit.score,
            to_sentence(explain(snapshot, query, hit.row, seen)),
        )
        for hit in snapshot.similar(key, limit=LIMIT)
    )
