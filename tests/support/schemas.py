"""
Documents as popular shops and tutorials shape them, hand-made: one small catalogue in
the words of each.
"""

from __future__ import annotations

import json

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson import Decimal128, ObjectId


@dataclass(frozen=True, slots=True)
class Good:
    """
    A thing that is sold, before it is anybody's document.
    """

    number: int
    name: str
    kind: str
    brand: str
    text: str
    price: float
    count: int

    @property
    def slug(self) -> str:
        """
        Its name for addresses.
        """
        return self.name.lower().replace(" ", "-")

    @property
    def picture(self) -> str:
        """
        Where its picture is.
        """
        return f"https://cdn.example.com/{self.slug}.jpg"

    @property
    def created(self) -> datetime:
        """
        When it came into the shop.
        """
        return datetime(2024, 3, 1, 8, tzinfo=UTC) + timedelta(days=self.number)


_KINDS: Final = {
    "Chairs": (
        "chair",
        "Carries a grown person through a long dinner without a creak.",
    ),
    "Lamps": ("lamp", "Throws a warm and even light on the page of an open book."),
    "Kettles": ("kettle", "Boils a litre of fresh water in less than three minutes."),
    "Rugs": ("rug", "Woven by hand of washed wool that keeps its colour for years."),
}
_BRANDS: Final = ("Brimm", "Stuga", "Oak & Ash")
_WOODS: Final = ("Linden", "Maple", "Birch", "Walnut", "Cherry", "Elm", "Pine")

GOODS: Final = tuple(
    Good(
        number,
        f"{_WOODS[number % 7]} {word} {'small' if number % 2 else 'large'} {number}",
        kind,
        _BRANDS[number % 3],
        f"{text} Number {number} of its line.",
        9.5 + number * 3.25,
        number % 5,
    )
    for number in range(28)
    for kind, (word, text) in [[*_KINDS.items()][number % 4]]
)


def is_public(good: Good) -> bool:
    """
    Return whether its shop has let it out: three in four.
    """
    return good.number % 4 != 3


def _proshop(good: Good) -> dict[str, Any]:
    return {
        "user": ObjectId(),
        "name": good.name,
        "image": f"/images/{good.slug}.jpg",
        "brand": good.brand,
        "category": good.kind,
        "description": good.text,
        "reviews": [
            {"name": "Jo Doe", "rating": 5, "comment": "Good.", "user": ObjectId()}
        ],
        "rating": 4.5,
        "numReviews": good.number,
        "price": good.price,
        "countInStock": good.count,
        "createdAt": good.created,
    }


def _boutique(good: Good) -> dict[str, Any]:
    return {
        "title": good.name,
        "desc": good.text,
        "img": good.picture,
        "categories": ["home", good.kind.lower()],
        "size": ["S", "M"],
        "color": ["white", "oak"],
        "price": good.price,
        "inStock": good.count > 0,
        "createdAt": good.created,
    }


def _emporium(good: Good) -> dict[str, Any]:
    return {
        "productName": good.name,
        "productDescription": f"<p>{good.text}</p>",
        "productPrice": str(good.price),
        "productImages": [{"public_id": f"p/{good.number}", "url": good.picture}],
        "productCategory": {"_id": ObjectId(), "name": good.kind},
        "manufacturerName": good.brand,
        "ratings": 4.1,
        "numOfReviews": good.number,
        "Stock": good.count,
        "isActive": is_public(good),
        "seller": {"name": "Corner Shop", "description": "We sell things you like."},
        "created_at": good.created.isoformat(),
    }


def _medusa(good: Good) -> dict[str, Any]:
    return {
        "id": f"prod_{good.number:026}",
        "title": good.name,
        "subtitle": None,
        "handle": good.slug,
        "description": good.text,
        "status": "published" if is_public(good) else "draft",
        "thumbnail": good.picture,
        "images": [{"id": "img_1", "url": good.picture, "metadata": None}],
        "collection": {"id": "pcol_1", "title": good.kind, "handle": "x"},
        "type": {"id": "ptyp_1", "value": good.kind},
        "tags": [{"id": "ptag_1", "value": "home"}, {"id": "ptag_2", "value": "new"}],
        "options": [{"title": "Size", "values": [{"value": "S"}]}],
        "variants": [
            {
                "title": "S",
                "sku": f"SKU-{good.number}",
                "inventory_quantity": good.count,
                "prices": [{"amount": good.price, "currency_code": "eur"}],
            }
        ],
        "weight": 400,
        "created_at": good.created,
        "deleted_at": None,
    }


def _saleor(good: Good) -> dict[str, Any]:
    blocks = [{"type": "paragraph", "data": {"text": good.text}}]
    return {
        "name": good.name,
        "slug": good.slug,
        "description": json.dumps({"time": 1, "blocks": blocks}),
        "descriptionPlaintext": good.text,
        "category": {"name": good.kind, "parent": {"name": "Home"}},
        "productType": {"name": "Furniture", "hasVariants": True},
        "attributes": [
            {"attribute": {"slug": "material"}, "values": [{"name": "Wood"}]}
        ],
        "media": [{"url": good.picture, "alt": good.name, "type": "IMAGE"}],
        "pricing": {
            "onSale": False,
            "priceRange": {
                "start": {"gross": {"amount": good.price, "currency": "USD"}},
                "stop": {"gross": {"amount": good.price + 5, "currency": "USD"}},
            },
        },
        "variants": [{"name": "S", "sku": "A1", "quantityAvailable": good.count}],
        "isPublished": is_public(good),
        "rating": 4.0,
        "created": good.created.isoformat(),
    }


def _woocommerce(good: Good) -> dict[str, Any]:
    return {
        "ID": good.number,
        "Type": "simple",
        "SKU": f"woo-{good.number}",
        "Name": good.name,
        "Published": "1" if is_public(good) else "-1",
        "Is featured?": 0,
        "Visibility in catalog": "visible",
        "Short description": "For your home.",
        "Description": f"<strong>{good.text}</strong>\\n",
        "Tax status": "taxable",
        "In stock?": 1 if good.count else 0,
        "Stock": good.count,
        "Weight (kg)": 1.5,
        "Allow customer reviews?": 1,
        "Regular price": f"{good.price:.2f}",
        "Sale price": "",
        "Categories": f"Home > {good.kind}",
        "Tags": "home, new, wood",
        "Images": f"{good.picture}, https://cdn.example.com/back.jpg",
        "Parent": "",
        "Brands": good.brand,
        "Attribute 1 name": "Colour",
        "Attribute 1 value(s)": "Blue",
    }


def _shopify_csv(good: Good) -> dict[str, Any]:
    return {
        "Handle": f"line-{good.number // 2}",
        "Title": good.name,
        "Body (HTML)": f"<p>{good.text}</p>",
        "Vendor": good.brand,
        "Product Category": f"Home & Garden > {good.kind}",
        "Type": good.kind,
        "Tags": "home, new",
        "Published": "true",
        "Option1 Name": "Size",
        "Option1 Value": "S",
        "Variant SKU": f"S-{good.number}",
        "Variant Grams": "400",
        "Variant Inventory Qty": str(good.count),
        "Variant Price": f"{good.price:.2f}",
        "Variant Compare At Price": "",
        "Image Src": good.picture,
        "Image Position": "1",
        "SEO Title": f"Buy {good.name}",
        "Status": "active" if is_public(good) else "archived",
    }


def _shopify_api(good: Good) -> dict[str, Any]:
    return {
        "title": good.name,
        "body_html": f"<p>{good.text}</p>",
        "vendor": good.brand,
        "product_type": good.kind,
        "handle": good.slug,
        "status": "active" if is_public(good) else "draft",
        "published_scope": "web",
        "tags": "home, new",
        "variants": [
            {
                "title": "S",
                "price": Decimal128(f"{good.price:.2f}"),
                "inventory_quantity": good.count,
                "weight": 0.4,
            }
        ],
        "images": [{"id": 1, "src": good.picture, "width": 600}],
        "created_at": good.created.isoformat(),
        "published_at": good.created.isoformat(),
    }


def _german(good: Good) -> dict[str, Any]:
    return {
        "artikelnummer": f"A-{good.number}",
        "bezeichnung": good.name,
        "beschreibung": good.text,
        "warengruppe": good.kind,
        "hersteller": good.brand,
        "verkaufspreis": f"{good.price:.2f}".replace(".", ",") + " €",
        "lagerbestand": good.count,
        "bilder": [good.picture],
        "schlagworte": ["wohnen", "neu"],
        "zustand": "freigegeben" if is_public(good) else "entwurf",
        "erstelltAm": good.created,
    }


def _turkish(good: Good) -> dict[str, Any]:
    return {
        "urunAdi": good.name,
        "aç\u0131klama": good.text,
        "kategori": good.kind,
        "marka": good.brand,
        "fiyat": good.price,
        "stokAdedi": good.count,
        "resimler": [good.picture],
        "etiketler": ["ev", "yeni"],
        "aktifMi": is_public(good),
        "olusturmaTarihi": good.created,
    }


def _tongues(good: Good) -> dict[str, Any]:
    return {
        "info": {
            "name": {"de": f"{good.name} (deutsch)", "en": good.name},
            "description": {"de": f"Auf Deutsch: {good.text}", "en": good.text},
        },
        "category": ObjectId(),
        "brand": {"_id": ObjectId(), "name": good.brand},
        "price": {"value": good.price, "currency": "EUR"},
        "inventory": {"quantity": good.count, "warehouse": "B"},
        "gallery": [good.picture],
        "stats": {"sold": good.number, "views": 100},
        "isDeleted": not is_public(good),
    }


def _unknown(good: Good) -> dict[str, Any]:
    """
    In a language of which the table has no word.
    """
    return {
        "nimi": good.name,
        "kuvaus": f"{good.text} {good.text}",
        "hinta": good.price,
        "koodi": f"A-{good.number}",
        "status": "available" if good.count else "out of stock",
    }


SHOPS: Final[Mapping[str, Callable[[Good], dict[str, Any]]]] = {
    "proshop": _proshop,
    "boutique": _boutique,
    "emporium": _emporium,
    "medusa": _medusa,
    "saleor": _saleor,
    "woocommerce": _woocommerce,
    "shopify_csv": _shopify_csv,
    "shopify_api": _shopify_api,
    "german": _german,
    "turkish": _turkish,
    "tongues": _tongues,
    "unknown": _unknown,
}


def make_shop(name: str, goods: tuple[Good, ...] = GOODS) -> list[dict[str, Any]]:
    """
    Return the documents of the shop *name*, one for each of *goods*, in their order.
    """
    return [
        {"_id": ObjectId(f"{good.number:024x}"), **SHOPS[name](good)} for good in goods
    ]
