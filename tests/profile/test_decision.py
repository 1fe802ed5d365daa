"""
What is decided about shops of many makes, and about anything else.
"""

from __future__ import annotations

import tomllib

from random import Random
from typing import Any

import pytest

from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from listener.demo.sample import sample_products
from listener.mapping import Mapper
from listener.profile.decision import LEAST, decide
from listener.profile.page import to_toml
from recommender.settings import DEFAULT_VISIBLE_WHEN
from tests.support.documents import any_value, make_settings
from tests.support.schemas import GOODS, SHOPS, is_public, make_shop


# What each shop's documents are to be read by, where the defaults do not do it.
EXPECTED: dict[str, dict[str, Any]] = {
    "proshop": {},
    "boutique": {"description_fields": ("desc",), "image_fields": ("img",)},
    "emporium": {
        "name_fields": ("productName",),
        "description_fields": ("productDescription",),
        "category_fields": ("productCategory",),
        "brand_fields": ("manufacturerName",),
        "price_fields": ("productPrice",),
        "stock_fields": ("Stock",),
        "image_fields": ("productImages",),
        "rating_fields": ("ratings",),
    },
    "medusa": {
        "attributes_fields": ("options",),
        "category_fields": ("collection",),
        "price_fields": ("variants.prices",),
        "stock_fields": ("variants.inventory_quantity",),
        "tags_fields": ("tags.value",),
    },
    "saleor": {
        "description_fields": ("descriptionPlaintext",),
        "price_fields": ("pricing.priceRange.start.gross",),
        "stock_fields": ("variants.quantityAvailable",),
        "image_fields": ("media",),
        "created_fields": ("created",),
    },
    "woocommerce": {
        "name_fields": ("Name",),
        "description_fields": ("Description",),
        "category_fields": ("Categories",),
        "brand_fields": ("Brands",),
        "price_fields": ("Regular price",),
        "stock_fields": ("In stock?",),
        "image_fields": ("Images",),
        "tags_fields": ("Tags",),
    },
    "shopify_csv": {
        "name_fields": ("Title",),
        "description_fields": ("Body (HTML)",),
        "category_fields": ("Product Category",),
        "brand_fields": ("Vendor",),
        "price_fields": ("Variant Price",),
        "stock_fields": ("Variant Inventory Qty",),
        "image_fields": ("Image Src",),
        "tags_fields": ("Tags",),
    },
    "shopify_api": {
        "description_fields": ("body_html",),
        "price_fields": ("variants.price",),
        "stock_fields": ("variants.inventory_quantity",),
    },
    "german": {
        "name_fields": ("bezeichnung",),
        "description_fields": ("beschreibung",),
        "category_fields": ("warengruppe",),
        "brand_fields": ("hersteller",),
        "price_fields": ("verkaufspreis",),
        "stock_fields": ("lagerbestand",),
        "image_fields": ("bilder",),
        "tags_fields": ("schlagworte",),
        "created_fields": ("erstelltAm",),
    },
    "turkish": {
        "name_fields": ("urunAdi",),
        "description_fields": ("a\u00e7\u0131klama",),
        "category_fields": ("kategori",),
        "brand_fields": ("marka",),
        "price_fields": ("fiyat",),
        "stock_fields": ("stokAdedi",),
        "image_fields": ("resimler",),
        "tags_fields": ("etiketler",),
        "created_fields": ("olusturmaTarihi",),
    },
    "tongues": {
        "name_fields": ("info.name.de",),
        "description_fields": ("info.description.de",),
        "stock_fields": ("inventory.quantity",),
        "image_fields": ("gallery",),
    },
    "unknown": {
        "name_fields": ("nimi",),
        "description_fields": ("kuvaus",),
        "stock_fields": ("status",),
    },
}
# Shops all of whose products are public.
OPEN = {"proshop", "boutique", "unknown"}


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_shops(name: str) -> None:
    """
    Each shop's fields are found, and no other settings are changed.
    """
    settings = decide(make_shop(name)).settings
    settings.pop("visible_when", None)

    assert settings == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_shops_become_the_same_products(name: str) -> None:
    """
    Read by what was decided, a shop's documents become the goods that they are of.
    """
    settings = decide(make_shop(name)).settings
    mapper = Mapper(make_settings(**settings))

    for good, document in zip(GOODS, make_shop(name), strict=True):
        product = mapper.to_product(document).product
        assert good.name in product.texts["name"]
        assert good.text in product.texts["description"]
        assert product.in_stock == (good.count > 0)
        assert product.visible == (name in OPEN or is_public(good))
        if name != "unknown":  # of a price only its name can tell
            assert product.price == pytest.approx(good.price)
        if product.brand:
            assert product.brand == good.brand
        if product.category:
            assert product.category[-1].lower() == good.kind.lower()


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_order_of_the_sample(name: str) -> None:
    """
    Documents drawn in another order say the same.
    """
    documents = make_shop(name)
    settings = decide(documents).settings
    Random(4).shuffle(documents)

    assert decide(documents).settings == settings


def test_demo() -> None:
    """
    The demo's catalogue is read by the defaults, and surely so.
    """
    decision = decide(sample_products())

    assert decision.settings == {}
    assert decision.choices["name"].sure == pytest.approx(1.0)
    assert decision.choices["parent"].paths == ("family",)


def test_codes_are_no_names() -> None:
    """
    A title is preferred to a name that is a slug.
    """
    documents = [
        {"_id": good.number, "name": good.slug, "title": good.name} for good in GOODS
    ]

    assert decide(documents).settings == {"name_fields": ("title",)}


def test_paths_that_add() -> None:
    """
    A field that fills what the surest lacks is read after it.
    """
    documents: list[dict[str, Any]] = [
        {"_id": good.number, "name": good.name, "price": good.price} for good in GOODS
    ]
    for document in documents[:9]:
        document["unit_price"] = document.pop("price")

    assert decide(documents).settings == {"price_fields": ("price", "unit_price")}


def test_references() -> None:
    """
    A category that is only referred to is named, not mapped.
    """
    documents = [
        {"_id": good.number, "name": good.name, "category": ObjectId()}
        for good in GOODS
    ]
    decision = decide(documents)

    assert decision.settings == {}
    assert decision.references == {"category": "category"}
    assert "# category: category refers to another" in to_toml(decision, "products")


def test_nothing() -> None:
    """
    Of no documents nothing is decided.
    """
    decision = decide([])

    assert (decision.settings, dict(decision.choices)) == ({}, {})


@pytest.mark.parametrize("name", sorted(SHOPS))
def test_page(name: str) -> None:
    """
    The file says what was decided, in the language of settings files.
    """
    decision = decide(make_shop(name))
    written = tomllib.loads(to_toml(decision, "products"))
    its = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in written.items()
    }

    assert its == decision.settings


FIELDS = st.sampled_from(
    ["name", "title", "desc", "price", "isActive", "status", "deletedAt", "tags", "x"]
) | st.text(max_size=6)


@given(st.lists(st.dictionaries(FIELDS, any_value(), max_size=6), max_size=8))
def test_anything(documents: list[dict[str, Any]]) -> None:
    """
    Whatever documents hold, there is a decision: nothing unsure in it, settings that
    can be used, and a file that can be read.
    """
    decision = decide(documents)

    assert all(LEAST <= choice.sure <= 1 for choice in decision.choices.values()
               if not choice.is_default)  # fmt: skip
    Mapper(make_settings(**decision.settings))
    assert tomllib.loads(to_toml(decision, "products")).keys() == {*decision.settings}
    assert decision.visible_when != DEFAULT_VISIBLE_WHEN


@pytest.mark.parametrize(
    ("role", "field", "value"),
    [
        ("category", "type", "simple"),
        ("category", "group", 18),
        ("image", "url", "https://shop.example/p/1"),
        ("price", "amount", "n/a"),
        ("name", "label", "A-1"),
    ],
)
def test_what_only_looks_like_it(role: str, field: str, value: object) -> None:
    """
    A name that may mean something else decides nothing when its values are not those
    of the role.
    """
    documents = [{"_id": number, field: value} for number in range(25)]

    assert role not in decide(documents).choices
