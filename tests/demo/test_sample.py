"""
The sample catalogue: what a visitor may rely on.
"""

from __future__ import annotations

import hashlib
import re
import tomllib

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest

from listener.demo import material
from listener.demo.material import load_departments
from listener.demo.sample import sample_products
from listener.mapping import Mapper
from recommender.settings import ListenerSettings


PRODUCTS = sample_products()
DEPARTMENTS = load_departments()
FILES = sorted(Path(material.__file__).parent.glob("departments/*.toml"))


def test_it_is_the_same_in_every_run():
    """
    The same documents, byte for byte, each time.
    """
    first, second = (
        [hashlib.sha256(bson.encode(product)).digest() for product in run]
        for run in (PRODUCTS, sample_products())
    )
    assert first == second


def test_it_is_about_a_thousand_products_in_many_categories():
    """
    Big enough to browse; each category big enough to recommend from.
    """
    sizes = Counter(tuple(product["category"]) for product in PRODUCTS)

    assert 950 <= len(PRODUCTS) <= 1100
    assert len({path[0] for path in sizes}) >= 12
    assert {len(path) for path in sizes} == {2}
    assert min(sizes.values()) >= 8


@pytest.mark.parametrize("field", ["_id", "name"])
def test_no_two_share(field):
    """
    Ids and names are unique.
    """
    assert len({product[field] for product in PRODUCTS}) == len(PRODUCTS)


def test_most_are_visible():
    """
    Most are approved; some wait, a few were rejected.
    """
    shares = Counter(product["status"] for product in PRODUCTS)

    assert set(shares) == {"approved", "pending", "rejected"}
    assert shares["approved"] / len(PRODUCTS) > 0.88
    assert shares["pending"] > shares["rejected"] >= 10


def test_values_are_believable():
    """
    Prices, ratings, stock and dates are what a shop would have.
    """
    for product in PRODUCTS:
        assert 2 < product["price"] < 2000
        assert 2 <= product["rating"] <= 5
        assert 0 <= product["stock"] <= 120
        assert datetime(2024, 3, 1, tzinfo=UTC) <= product["createdAt"]
        assert product["createdAt"] < datetime(2026, 1, 1, tzinfo=UTC)
        assert 2 <= len(product["tags"]) == len(set(product["tags"]))
        assert len(product["description"].split()) >= 12
    assert 0.05 < sum(product["stock"] == 0 for product in PRODUCTS) / 1000 < 0.2


def test_pictures_are_small_and_inline():
    """
    An image is a data URI of less than half a kilobyte.
    """
    for product in PRODUCTS:
        assert product["image"].startswith("data:image/svg+xml,%3Csvg")
        assert len(product["image"]) < 512


def to_amount(product: dict[str, Any]) -> tuple[int, str] | None:
    found = re.search(r" (\d+) (kg|l|ml|g|pieces)$", product["name"])
    return (int(found[1]), found[2]) if found else None


def test_families_differ_in_their_variant_only():
    """
    Variants share description, brand and category; the larger is not the cheaper.
    """
    families = {product["family"]: [] for product in PRODUCTS}
    for product in PRODUCTS:
        families[product["family"]].append(product)
    several = [family for family in families.values() if len(family) > 1]

    assert len(several) > 50
    for family in several:
        assert len({product["description"] for product in family}) == 1
        assert len({product["brand"] for product in family}) == 1
    sized = [family for family in several if all(map(to_amount, family))]
    sized = [f for f in sized if len({to_amount(product)[1] for product in f}) == 1]
    assert len(sized) > 5
    for family in sized:
        prices = [p["price"] for p in sorted(family, key=lambda p: to_amount(p)[0])]
        assert prices == sorted(set(prices))


def test_every_field_is_understood(monkeypatch, tmp_path):
    """
    The default field settings map all of it, without a complaint.
    """
    monkeypatch.chdir(tmp_path)
    mapper = Mapper(ListenerSettings())
    mapped = [mapper.to_product(product) for product in PRODUCTS]

    assert not [one.problems for one in mapped if one.problems]
    assert all(one.product.texts.keys() >= {"name", "description"} for one in mapped)
    assert sum(one.product.visible for one in mapped) == sum(
        product["status"] == "approved" for product in PRODUCTS
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rules_of_the_material_name_what_exists(path):
    """
    A rule that keeps nonsense out is not misspelt: it names a make and a kind.
    """
    for shelf in tomllib.loads(path.read_text())["shelves"]:
        kinds = {kind[0] for kind in shelf["kinds"]}
        combined = {f"{make[0]} {kind}" for make in shelf["makes"] for kind in kinds}
        features = [one for one in shelf["features"] if not isinstance(one, str)]

        assert set(shelf.get("never", ())) <= combined
        assert {kind for feature in features for kind in feature[1:]} <= kinds
        assert {kind for make in shelf["makes"] for kind in make[3:]} <= kinds


@pytest.mark.parametrize("department", DEPARTMENTS, ids=lambda one: one.name)
def test_every_kind_can_be_made(department):
    """
    Each kind can be made of something, and there is more to say of it.
    """
    for shelf in department.shelves:
        for kind in shelf.kinds:
            assert kind.makes, kind.name
            assert kind.features, kind.name
