"""
The shop's documents: ids of every type, contents of which some are odd, and anchors.

An *anchor* is a product that no writer removes, hides or takes the category from. So
it is there, and has neighbours, whatever else goes on.
"""

from __future__ import annotations

import random

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)


Document = dict[str, Any]

DATABASE: Final = "shop"
NAME: Final = "products"
ANCHORS: Final = 160  # more than the shrink guard's least
POOL: Final = 1_000  # numbers of the other products, of which about half exist
ODD_SHARE: Final = 0.1
STATUSES: Final = ("approved", "approved", "approved", "pending", "rejected", None)
CATEGORIES: Final = tuple(
    f"{room} > {thing}"
    for room in ("Home", "Garden", "Sport")
    for thing in ("Kettles", "Lamps", "Tents", "Chairs")
)
BRANDS: Final = ("Stuga", "Brimm", "Aldo", "Lund", "Norr", "Fjell")
WORDS: Final = tuple(
    f"{first}{second}"
    for first in ("red", "steel", "soft", "tall", "warm", "oak", "fine", "old")
    for second in ("ly", "ton", "wood", "light", "cloth", "line", "side", "er", "ish")
)

ID_KINDS: Final[Sequence[Callable[[int], Any]]] = (
    lambda number: f"sku-{number}",
    lambda number: ObjectId(f"{number:024x}"),
    lambda number: number,
    lambda number: f"sku-{number}",
    lambda number: Int64((1 << 40) + number),
    lambda number: number + 0.5,
    lambda number: {"shop": 1, "sku": number},
    lambda number: f"sku-{number}",
    lambda number: Binary.from_uuid(UUID(int=number)),
    lambda number: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
    lambda number: f"~{number}/é ?#%",
    str,
)

ODD: Final[Sequence[Mapping[str, Any]]] = (
    {"name": None},
    {"name": 42},
    {"name": ["a", {"b": [1]}]},
    {"name": "\0 <b>bold</b> &amp; <script>alert(1)</script> \U0001f6cb"},
    {"name": ""},
    {"title": "another field", "name": {"en": "lamp"}},
    {"description": "word " * 20_000},
    {"description": "<p>" * 3_000},
    {"description": Binary(b"\xff\xfe")},
    {"category": [[["deep"]]]},
    {"category": {"name": None, "parent": {"name": "Home"}}},
    {"category": ["Home", 7, None, "Lamps"]},
    {"brand": Code("function () {}")},
    {"brand": DBRef("brands", 1)},
    {"tags": {"a": "b"}},
    {"tags": ["x", None, 3, {"name": "y"}] * 300},
    {"price": "free"},
    {"price": "€ 1.234,50"},
    {"price": float("nan")},
    {"price": float("-inf")},
    {"price": Decimal128("NaN")},
    {"price": Decimal128("12.50")},
    {"price": {"amount": -1}},
    {"stock": "in stock"},
    {"stock": Int64(1 << 62)},
    {"stock": MinKey()},
    {"createdAt": DatetimeMS(1 << 60)},
    {"createdAt": Timestamp(1, 1)},
    {"rating": MaxKey()},
    {"image": Regex("x", "i")},
    {"image": [{"url": None}, {"src": "/a.jpg"}]},
    {"status": {"is": "approved"}},
    {"status": ["approved"]},
)


def anchor_id(number: int) -> str:
    """
    Return the id of an anchor.
    """
    return f"anchor-{number}"


def anchor_category(number: int) -> str:
    """
    Return the category of an anchor; about a dozen share one.
    """
    return CATEGORIES[number % len(CATEGORIES)]


def make_anchor(number: int, chance: random.Random) -> Document:
    """
    Return an anchor with contents by chance.
    """
    return {
        **_make_content(chance),
        "_id": anchor_id(number),
        "category": anchor_category(number),
        "status": "approved",
    }


def make_id(number: int) -> Any:
    """
    Return the id of a product of the pool; its type follows from the number.
    """
    return ID_KINDS[number % len(ID_KINDS)](number)


def make_document(number: int, chance: random.Random) -> Document:
    """
    Return a product of the pool as one seller or another would write it.
    """
    document = {
        **_make_content(chance),
        "_id": make_id(number),
        "category": chance.choice(CATEGORIES),
        "status": chance.choice(STATUSES),
    }
    if chance.random() < ODD_SHARE:
        document |= chance.choice(ODD)
    return document


def make_name(chance: random.Random) -> str:
    """
    Return a name of a few words.
    """
    return " ".join(chance.choices(WORDS, k=chance.randint(2, 5)))


def _make_content(chance: random.Random) -> Document:
    return {
        "name": make_name(chance),
        "description": " ".join(chance.choices(WORDS, k=chance.randint(5, 25))),
        "brand": chance.choice(BRANDS),
        "tags": chance.choices(WORDS, k=2),
        "price": round(chance.uniform(1, 900), 2),
        "stock": chance.randint(0, 3),
    }
