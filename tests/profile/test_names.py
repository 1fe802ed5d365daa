"""
What names of fields are taken for.
"""

from __future__ import annotations

import pytest

from listener.profile.names import FAR, STANDINGS, STEP, folded, plain_word, standing


CERTAIN, LIKELY, MAYBE = STANDINGS


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("productName", "name"),
        ("Product Name", "name"),
        ("product_name_en", "name"),
        ("Body (HTML)", "bodyhtml"),
        ("Variant Price", "price"),
        ("countInStock", "countinstock"),
        ("a\u00e7\u0131klama", "aciklama"),
        ("GROSSE", "grosse"),
        ("gr\u00f6\u00dfe", "grosse"),
        ("product", "product"),
        ("item", "item"),
        ("de", "de"),
        ("imageURLs", "imageurls"),
    ],
)
def test_folded(name: str, plain: str) -> None:
    """
    Case, accents, marks, filling words and languages go; something always stays.
    """
    assert folded(name) == plain


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("In Review", "inreview"),
        ("-1", "-1"),
        ("1", "1"),
        ("Ver\u00f6ffentlicht", "veroffentlicht"),
    ],
)
def test_plain_word(text: str, word: str) -> None:
    """
    Words of documents keep all their parts, and a number its sign.
    """
    assert plain_word(text) == word


@pytest.mark.parametrize(
    ("role", "path", "expected"),
    [
        ("name", "title", CERTAIN),
        ("name", "heading", LIKELY),
        ("name", "product", MAYBE),
        ("name", "info.title", CERTAIN * STEP),
        ("name", "name.en", CERTAIN * STEP),
        ("name", "\u540d\u79f0", CERTAIN),
        ("name", "\u0928\u093e\u092e", CERTAIN),
        ("name", "\u043d\u0430\u0437\u0432\u0430\u043d\u0438\u0435", CERTAIN),
        ("price", "price.value", CERTAIN * STEP),
        ("price", "pricing.priceRange.start.gross.amount", CERTAIN * STEP**4),
        ("price", "keemat", CERTAIN),
        ("brand", "brand.name", CERTAIN * STEP),
        ("rating", "ratings.average", CERTAIN * STEP),
        ("name", "category.name", 0.0),
        ("name", "seller.name", 0.0),
        ("name", "reviews.title", 0.0),
        ("price", "shipping.price", 0.0),
        ("description", "sku", 0.0),
    ],
)
def test_standing(role: str, path: str, expected: float) -> None:
    """
    A path means what its last telling step says, unless a step before it says that it
    is something else's.
    """
    found = standing(role, path.split("."), is_one_of_many=False)

    assert found == pytest.approx(expected)


def test_one_of_many() -> None:
    """
    The price of any variant is one of the product; the title of any is none.
    """
    price = standing("price", ["variants", "price"], is_one_of_many=True)
    name = standing("name", ["variants", "title"], is_one_of_many=True)

    assert price == pytest.approx(CERTAIN * STEP)
    assert name == pytest.approx(CERTAIN * STEP * FAR)
