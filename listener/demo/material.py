"""
What the sample catalogue is made of: authored words, one file per department.

A make or a feature that names kinds goes with those only; `never` lists what would be
nonsense, such as "cardboard modelling clay".
"""

from __future__ import annotations

import tomllib

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Make:
    """
    What products of a kind are made of, or how.

    Attributes:
        name: As it stands before the kind, such as "cast-iron".
        price_factor: Times the kind's price.
        sentence: What the description says of it.
    """

    name: str
    price_factor: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Kind:
    """
    What a thing is, such as a frying pan.

    Attributes:
        name: Lower case but for proper names.
        price: Of the smallest variant.
        sentence: What the description says of it.
        variants: Sizes from small to large, or colours; empty when there is one only.
        makes: What it can sensibly be made of.
        features: More sentences that are true of it.
    """

    name: str
    price: float
    sentence: str
    variants: tuple[str, ...]
    makes: tuple[Make, ...]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """
    Kinds that stand side by side in a shop; the category's second level.

    Attributes:
        name: Also the category's name.
        picture: Its sign, an SVG path on a grid of 24.
        tags: Of all its products.
        kinds: What stands on it.
    """

    name: str
    picture: str
    tags: tuple[str, ...]
    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Department:
    """
    The category's first level.

    Attributes:
        name: Also the category's name.
        colour: Of its pictures, as CSS has it.
        brands: The series of each brand.
        shelves: Its second level.
    """

    name: str
    colour: str
    brands: Mapping[str, tuple[str, ...]]
    shelves: tuple[Shelf, ...]


def load_departments() -> list[Department]:
    """
    Return all departments, by name.
    """
    folder = resources.files("listener.demo") / "departments"
    files = (file for file in folder.iterdir() if file.name.endswith(".toml"))
    departments = [_to_department(tomllib.loads(f.read_text("utf-8"))) for f in files]
    return sorted(departments, key=lambda department: department.name)


def _to_department(raw: Mapping[str, Any]) -> Department:
    return Department(
        name=raw["name"],
        colour=raw["colour"],
        brands={brand: tuple(series) for brand, series in raw["brands"].items()},
        shelves=tuple(_to_shelf(shelf) for shelf in raw["shelves"]),
    )


def _to_shelf(raw: Mapping[str, Any]) -> Shelf:
    return Shelf(
        name=raw["name"],
        picture=raw["picture"],
        tags=tuple(raw["tags"]),
        kinds=tuple(_to_kind(raw, kind) for kind in raw["kinds"]),
    )


def _to_kind(shelf: Mapping[str, Any], raw: Sequence[Any]) -> Kind:
    name, price, sentence, *variants = raw
    never = frozenset(shelf.get("never", ()))
    makes = (
        Make(make, factor, said)
        for make, factor, said, *only in shelf["makes"]
        if f"{make} {name}" not in never and (not only or name in only)
    )
    features = (
        feature if isinstance(feature, str) else feature[0]
        for feature in shelf["features"]
        if isinstance(feature, str) or name in feature[1:]
    )
    return Kind(
        name=name,
        price=price,
        sentence=sentence,
        variants=tuple(variants[0] if variants else shelf.get("variants", ())),
        makes=tuple(makes),
        features=tuple(features),
    )
