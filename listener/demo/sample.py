"""
The sample catalogue: about a thousand products of a shop that does not exist.

It is the same on every machine and in every run: each choice is a digest of what is
chosen for, so that one more product changes none of the others.
"""

from __future__ import annotations

import math
import re

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import xxhash

from bson import ObjectId

from listener.demo.material import Department, Kind, Make, Shelf, load_departments
from listener.demo.picture import to_picture


FAMILIES: Final = 3  # of each kind
_OPENED: Final = datetime(2024, 3, 1, 8, tzinfo=UTC)
_OPEN_DAYS: Final = 600
# Twice the contents do not cost twice as much.
_BULK: Final = 0.6
_SIZES: Final = {"medium": 1.4, "large": 2.0, "double": 1.4, "king": 1.7, "wide": 1.6}
_UNITS: Final = {"kg": 1000, "l": 1000, "TB": 1000}
_QUANTITY: Final = re.compile(r"(?:(\d+) x )?(\d[\d.,]*) ?([A-Za-z]*)")
_WHOLE: Final = 50  # from this price on, no cents

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Family:
    """
    Products that differ in nothing but their size or colour.
    """

    department: Department
    shelf: Shelf
    kind: Kind
    make: Make
    brand: str
    series: str

    @property
    def name(self) -> str:
        return f"{self.series} {self.make.name} {self.kind.name}"


def sample_products() -> list[dict[str, Any]]:
    """
    Return the documents, in the order in which they were created.
    """
    families = list(_families())
    products = [product for family in families for product in _products(family)]
    return sorted(products, key=lambda product: (product["createdAt"], product["_id"]))


def _families() -> Iterator[_Family]:
    for department in load_departments():
        for shelf in department.shelves:
            for kind in shelf.kinds:
                yield from _families_of(department, shelf, kind)


def _families_of(department: Department, shelf: Shelf, kind: Kind) -> Iterator[_Family]:
    first = _digest("family", department.name, kind.name)
    brands = sorted(department.brands)
    for turn in range(FAMILIES):
        # Neighbouring turns differ in brand and, where there are several, in make.
        brand = brands[(first + turn) % len(brands)]
        make = kind.makes[(first // 7 + turn) % len(kind.makes)]
        series = _pick(department.brands[brand], "series", brand, kind.name)
        yield _Family(department, shelf, kind, make, brand, series)


def _products(family: _Family) -> Iterator[dict[str, Any]]:
    variants = _variants(family)
    if not variants:
        yield _product(family, family.name, price_factor=1.0)
    for variant in variants:
        factor = _to_factor(variant, family.kind.variants[0])
        yield _product(family, f"{family.name}, {variant}", price_factor=factor)


def _variants(family: _Family) -> Sequence[str]:
    known = family.kind.variants
    share = _digest("variants", family.name) % 100
    count = min(len(known), 1 if share < 75 else 2 if share < 92 else 3)  # noqa: PLR2004
    if count == 0:
        return ()
    start = _digest("start", family.name) % (len(known) - count + 1)
    return known[start : start + count]


def _product(family: _Family, name: str, *, price_factor: float) -> dict[str, Any]:
    price = family.kind.price * family.make.price_factor * price_factor
    created = _created(family, name)
    return {
        "_id": _to_id(created, name),
        "name": name,
        "description": _description(family),
        "category": [family.department.name, family.shelf.name],
        "brand": family.brand,
        "price": _to_price(price * (0.9 + _digest("price", family.name) % 21 / 100)),
        "stock": _stock(name),
        "rating": _rating(family),
        "tags": _tags(family),
        "image": _image(family, name),
        "family": family.name,
        "status": _status(name),
        "createdAt": created,
    }


def _description(family: _Family) -> str:
    kind = family.kind
    first = _digest("features", family.name)
    count = min(len(kind.features), 1 + first % 2)
    features = [
        kind.features[(first + turn) % len(kind.features)] for turn in range(count)
    ]
    return " ".join([kind.sentence, family.make.sentence, *features])


def _tags(family: _Family) -> list[str]:
    shared = list(family.shelf.tags)
    del shared[1 + _digest("tags", family.name) % (len(shared) - 1)]
    return list(dict.fromkeys((*shared, family.kind.name, family.make.name)))


def _image(family: _Family, name: str) -> str:
    return to_picture(
        colour=family.department.colour,
        shape=_digest("shape", family.name),
        sign=family.shelf.picture,
        name=name,
    )


def _status(name: str) -> str:
    share = _digest("status", name) % 100
    if share < 92:  # noqa: PLR2004
        return "approved"
    return "pending" if share < 97 else "rejected"  # noqa: PLR2004


def _stock(name: str) -> int:
    share = _digest("stock", name)
    return 0 if share % 9 == 0 else 1 + share // 9 % 120


def _rating(family: _Family) -> float:
    share = _digest("rating", family.name) % 100
    return round(5 - (share / 100) ** 2 * 2.4 - 0.1, 1)


def _created(family: _Family, name: str) -> datetime:
    days = _digest("day", family.name) % _OPEN_DAYS
    minutes = _digest("minute", name) % 600
    return _OPENED + timedelta(days=days, minutes=minutes)


def _to_id(created: datetime, name: str) -> ObjectId:
    seconds = int(created.timestamp()).to_bytes(4, "big")
    return ObjectId(seconds + _digest("id", name).to_bytes(8, "big"))


def _to_price(price: float) -> float:
    if price < _WHOLE:
        return int(price) + 0.95
    step = 5 if price < 200 else 10  # noqa: PLR2004
    return float(round(price / step) * step - 1)


def _to_factor(variant: str, smallest: str) -> float:
    if variant in _SIZES:
        return _SIZES[variant]
    here, there = _QUANTITY.match(variant), _QUANTITY.match(smallest)
    if here is None or there is None:
        return 1.0
    return math.pow(_amount(here) / _amount(there), _BULK)


def _amount(quantity: re.Match[str]) -> float:
    times, number, unit = quantity.groups(default="1")
    return int(times) * float(number.replace(",", "")) * _UNITS.get(unit, 1)


def _pick(choices: Sequence[T], *purpose: str) -> T:
    return choices[_digest(*purpose) % len(choices)]


def _digest(*purpose: str) -> int:
    return xxhash.xxh3_64_intdigest("\x1f".join(purpose).encode())
