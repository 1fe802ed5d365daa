"""
Documents of any shape become products.
"""

import functools
import gc
import math
import time

import orjson
import pytest

from bson import Decimal128, Int64, ObjectId, decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st

from listener import mapping
from listener.keys import to_key
from listener.mapping import REFERRING, SHAPING, Mapper, fingerprint
from listener.mongo.client import CODEC
from listener.values.usable import MOST_VALUES
from recommender.product import Product
from recommender.settings import ListenerSettings
from recommender.weights import DEFAULT_WEIGHTS, Weights, term_weights
from tests.support.documents import (
    NOON,
    OBJECT_ID,
    any_id,
    any_value,
    make_document,
    make_mapped,
    make_settings,
)


# Settings that say where things are and when they happen, not what a product is.
NOT_SHAPING = {
    "admin_keys", "asked", "beside", "collection", "command", "control_port",
    "data_dir", "database", "demo", "demo_port", "durable_interval_s", "file",
    "log_format", "log_level", "max_staleness_s", "metrics_keys", "min_interval_s",
    "follow_from", "mongod", "mongodb_uri", "neighbour", "publish_to", "orders_collection", "orders_date",
    "orders_items", "orders_quantity", "orders_when", "quiet_s", "report",
    "schema_file",
    "queue_name", "queue_per_hour", "queue_url", "queue_verify_at",
    "shrink_grace_s", "sweep_per_s", "build_processes", "dask_address",
    "truth", "tune", "print_config",
}  # fmt: skip


def problems_of(document, **settings):
    return [str(problem) for problem in make_mapped(document, **settings).problems]


def product_of(document, **settings):
    return make_mapped(document, **settings).product


def test_an_ordinary_product():
    """
    The document of a common shop becomes a product with all that it says.
    """
    mapped = make_mapped(make_document())

    assert mapped.problems == ()
    assert mapped.product._replace(display=b"{}") == Product(
        key=to_key(OBJECT_ID),
        texts={
            "name": "Steel Kettle",
            "description": "Boils water fast.",
            "tags": "kettle, steel",
        },
        category=("Kitchen", "Kettles"),
        brand="Brimm",
        price=39.5,
        in_stock=True,
        visible=True,
        created_s=NOON.timestamp(),
    )


def test_an_empty_document():
    """
    A document with nothing but an id is a product, and no problem.
    """
    mapped = make_mapped({})

    assert mapped.problems == ()
    assert mapped.product.texts == {}
    assert mapped.product.category == ()
    assert mapped.product.brand == ""
    assert math.isnan(mapped.product.price)
    assert math.isnan(mapped.product.created_s)
    assert mapped.product.in_stock
    assert mapped.product.visible
    assert mapped.product.display == b"{}"


def test_null_is_as_good_as_absent():
    """
    Null fields and blank ones are no problems.
    """
    document = dict.fromkeys(make_document(), None) | {"_id": OBJECT_ID, "brand": " "}
    nulls = make_mapped(document)

    assert nulls.problems == ()
    assert repr(nulls.product) == repr(product_of({}))


MONGOOSE = {
    "_id": OBJECT_ID,
    "user": ObjectId("65a000000000000000000002"),
    "name": "Airpods Wireless Bluetooth Headphones",
    "image": "/images/airpods.jpg",
    "brand": "Apple",
    "category": "Electronics",
    "description": "Bluetooth technology lets you connect it with compatible devices",
    "reviews": [
        {"user": ObjectId("65a000000000000000000002"), "rating": 5, "comment": "Great"}
    ],
    "rating": 4.5,
    "numReviews": 12,
    "price": 89.99,
    "countInStock": 0,
    "createdAt": NOON,
    "updatedAt": NOON,
    "__v": 3,
}
SHOPIFY = {
    "_id": 632910392,
    "title": "IPod Nano - 8GB",
    "body_html": "<p>It's the small iPod with a <strong>big</strong> idea: Video.</p>",
    "vendor": "Apple",
    "product_type": "Cult Products",
    "created_at": "2024-01-05T12:00:00Z",
    "status": "active",
    "tags": "Emotive, Flash Memory, MP3, Music",
    "variants": [
        {"id": 1, "price": "199.00", "inventory_quantity": 0},
        {"id": 2, "price": "249.00", "inventory_quantity": 10},
    ],
    "images": [{"id": 7, "src": "https://cdn.shop/ipod.png", "width": 123}],
}
SHOPIFY_SETTINGS = {
    "description_fields": ("body_html",),
    "price_fields": ("variants.price",),
    "stock_fields": ("variants.inventory_quantity",),
    "visible_when": '{"status": "active"}',
}
WOOCOMMERCE = {
    "_id": "woo-794",
    "name": "Premium Quality &amp; Soft",
    "type": "simple",
    "status": "publish",
    "description": "<p>Pellentesque habitant morbi.</p>\n",
    "short_description": "<p>Short.</p>",
    "price": "21.99",
    "sale_price": "",
    "stock_quantity": None,
    "stock_status": "instock",
    "average_rating": "4.00",
    "date_created": "2024-01-05T12:00:00",
    "categories": [
        {"id": 9, "name": "Clothing", "slug": "clothing"},
        {"id": 14, "name": "T-shirts", "slug": "t-shirts"},
    ],
    "tags": [{"id": 3, "name": "soft", "slug": "soft"}],
    "images": [{"id": 792, "src": "https://shop/t.jpg", "name": "", "alt": ""}],
}
WOOCOMMERCE_SETTINGS = {
    "stock_fields": ("stock_quantity", "stock_status"),
    "created_fields": ("date_created",),
    "rating_fields": ("average_rating",),
    "visible_when": '{"status": "publish"}',
}


@pytest.mark.parametrize(
    ("document", "settings", "says"),
    [
        (
            MONGOOSE,
            {},
            {
                "texts": {
                    "name": "Airpods Wireless Bluetooth Headphones",
                    "description": "Bluetooth technology lets you connect it with "
                    "compatible devices",
                },
                "category": ("Electronics",),
                "brand": "Apple",
                "price": 89.99,
                "in_stock": False,
                "created_s": NOON.timestamp(),
            },
        ),
        (
            SHOPIFY,
            SHOPIFY_SETTINGS,
            {
                "texts": {
                    "name": "IPod Nano - 8GB",
                    "description": "It's the small iPod with a big idea: Video.",
                    "tags": "Emotive, Flash Memory, MP3, Music",
                },
                "category": ("Cult Products",),
                "brand": "Apple",
                "price": 199.0,
                "in_stock": True,
                "created_s": NOON.timestamp(),
            },
        ),
        (
            WOOCOMMERCE,
            WOOCOMMERCE_SETTINGS,
            {
                "texts": {
                    "name": "Premium Quality & Soft",
                    "description": "Pellentesque habitant morbi.",
                    "tags": "soft",
                },
                "category": ("Clothing", "T-shirts"),
                "brand": "",
                "price": 21.99,
                "in_stock": True,
                "created_s": NOON.timestamp(),
            },
        ),
    ],
    ids=["mongoose", "shopify", "woocommerce"],
)
def test_shapes_of_well_known_shops(document, settings, says):
    """
    Documents as tutorials and exports of shop systems have them are understood.
    """
    mapped = make_mapped(document, **settings)

    assert mapped.problems == ()
    assert {name: getattr(mapped.product, name) for name in says} == says
    assert mapped.product.visible
    assert "image" in orjson.loads(mapped.product.display)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"name": True}, "name: not text: bool"),
        ({"name": {"en": "Kettle"}}, "name: not text: object"),
        ({"description": b"x"}, "description: not text: binData"),
        ({"description": "word " * 1_000_000}, "description: cut"),
        ({"tags": {"a": 1}}, "tags: not text: object"),
        ({"category": ObjectId("65a000000000000000000002")}, "category: reference"),
        ({"category": {"main": {"sub": "x"}}}, "category: not text: object"),
        ({"brand": ObjectId("65a000000000000000000002")}, "brand: reference"),
        ({"price": math.nan}, "price: not finite"),
        ({"price": math.inf}, "price: not finite"),
        ({"price": -1}, "price: negative"),
        ({"price": "on request"}, "price: not a number: string"),
        ({"price": {"net": 5}}, "price: not a number: object"),
        ({"stock": "some"}, "stock: not a number: string"),
        ({"createdAt": "yesterday"}, "created: not a time: string"),
        ({"rating": "good"}, "rating: not a number: string"),
        ({"image": "javascript:alert(1)"}, "image: not an image: scheme"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_used_is_a_problem_and_nothing_more(document, problem):
    """
    A bad field costs itself only; the rest of the product is as it was.
    """
    mapped = make_mapped({**make_document(), **document})

    assert [str(one) for one in mapped.problems] == [problem]
    assert mapped.product.visible
    [name] = document
    kept = {"name", "brand", "category"} - {name}
    assert kept <= orjson.loads(mapped.product.display).keys()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"price": "1,299.00"}, {"price": 1299.0}),
        ({"price": "€ 12,50"}, {"price": 12.5}),
        ({"price": Decimal128("12.50")}, {"price": 12.5}),
        ({"price": Int64(12)}, {"price": 12.0}),
        ({"stock": "0"}, {"in_stock": False}),
        ({"stock": False}, {"in_stock": False}),
        ({"inStock": "out of stock"}, {"in_stock": False}),
        ({"createdAt": "2024-01-05T12:00:00Z"}, {"created_s": NOON.timestamp()}),
        ({"createdAt": 1704456000000}, {"created_s": NOON.timestamp()}),
        ({"brand": {"name": "Brimm"}}, {"brand": "Brimm"}),
        ({"category": {"name": "Lamps"}}, {"category": ("Lamps",)}),
        ({"categories": ["Home", "Lamps"]}, {"category": ("Home", "Lamps")}),
        ({"title": "Kettle"}, {"texts": {"name": "Kettle"}}),
        ({"name": 2048}, {"texts": {"name": "2048"}}),
        ({"name": "nul\0half\ud800"}, {"texts": {"name": "nul half"}}),
    ],
    ids=ascii,
)
def test_wrong_types_are_converted_when_the_meaning_is_plain(document, says):
    """
    A price in a string, a date in milliseconds and their like are no problems.
    """
    mapped = make_mapped(document)

    assert mapped.problems == ()
    assert {name: getattr(mapped.product, name) for name in says} == says


HUGE = {
    "a nested list": [[["x"] * 100] * 100] * 100,
    "a flat list": ["x"] * 1_000_000,
    "objects": [{"name": ["x"] * 1_000, "amount": ["x"] * 1_000}] * 1_000,
    "lists in lists": [[[[[]] * 10] * 10] * 100] * 100,
    "words": "x1 " * 5_000_000,
    "signs": "\ud800" * 5_000_000,
    "markup": "<b>" * 5_000_000,
}


@pytest.mark.parametrize("huge", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("name", sorted(make_document().keys() - {"_id", "status"}))
def test_a_huge_value_costs_little(name, huge):
    """
    Whatever a document of 16 MB holds in a field, it does not hold up the others.
    """
    mapper = Mapper(make_settings(display_fields=(name,)))
    document = make_document(**{name: huge})
    start = time.process_time()
    mapped = mapper.to_product(document)

    assert time.process_time() - start < 1.0
    assert mapped.problems
    assert mapped.product.visible


def test_large_lists_are_refused_as_such():
    """
    A list within bounds is used; beyond them its field has a problem.
    """
    prices = [5] * MOST_VALUES

    assert product_of({"price": prices}).price == 5.0
    assert problems_of({"price": [*prices, 5]}) == ["price: too large"]


def test_the_first_usable_field_wins():
    """
    A field is looked for in the order of the settings; an unusable one is passed over.
    """
    document = {"price": "on request", "cost": 5, "offer": {"price": 4}}
    product = product_of(document, price_fields=("price", "offer.price", "cost"))

    assert product.price == 4.0
    assert problems_of(document, price_fields=("price", "cost")) == []


def test_only_the_weighted_fields_of_a_product_are_text():
    """
    What the mapping calls its texts is what the model gives weights to.
    """
    product = product_of(make_document(attributes={"colour": "Sea green"}))
    counted = term_weights(product, Weights(DEFAULT_WEIGHTS))

    assert set(product.texts) | {"category", "brand"} == set(DEFAULT_WEIGHTS)
    assert {"kettle", "steel", "boils", "sea", "green"} <= set(counted)


@pytest.mark.parametrize("fault", [KeyError("x"), RecursionError(), MemoryError()])
def test_a_fault_of_ours_hides_the_product_and_is_a_problem(monkeypatch, fault):
    """
    When an extractor breaks, the product is its key only, and not shown.
    """

    def broken(_document, _problems, _names):
        raise fault

    mapper = Mapper(make_settings())
    monkeypatch.setattr(mapper._fields, "read", broken)
    mapped = mapper.to_product(make_document())

    assert repr(mapped.product) == repr(Product(key=to_key(OBJECT_ID), visible=False))
    assert [str(one) for one in mapped.problems] == [
        f"unmapped: {type(fault).__name__}"
    ]


def test_a_query_that_fails_hides_the_product(monkeypatch):
    """
    When it cannot be told whether a product is visible, it is not; the rest stays.
    """

    def broken(_document):
        raise ValueError

    mapper = Mapper(make_settings())
    monkeypatch.setattr(mapper._visibility, "_test", broken)
    mapped = mapper.to_product(make_document())

    assert not mapped.product.visible
    assert mapped.product.brand == "Brimm"
    assert [str(one) for one in mapped.problems] == ["visible: ValueError"]


@functools.cache
def a_mapper(_number=1):
    return Mapper(make_settings(display_fields=("extra", "extra.name")))


ANY_DOCUMENT = st.fixed_dictionaries(
    {"_id": any_id()},
    optional={
        name: any_value()
        for name in (*make_document(), "title", "images", "inStock", "extra")
        if name != "_id"
    },
)


@given(ANY_DOCUMENT)
def test_any_document_is_mapped(document):
    """
    Whatever a document holds, it becomes a product under its own key, all of whose
    values are of their types and clean, without a fault of ours.
    """
    mapped = a_mapper().to_product(document)
    product = mapped.product

    assert not {"unmapped", "visible"} & {problem.field for problem in mapped.problems}
    assert product.key == to_key(document["_id"])
    assert isinstance(orjson.loads(product.display), dict)
    assert math.isnan(product.price) or 0 <= product.price < math.inf
    for text in (*product.texts.values(), *product.category, product.brand):
        assert "\0" not in text
        assert text.encode() or text == product.brand


@settings(max_examples=30)
@given(ANY_DOCUMENT)
def test_the_same_document_is_always_the_same_product(document):
    """
    Two mappers agree to the byte.
    """
    first, second = (a_mapper(number).to_product(document) for number in (1, 2))

    assert repr(first) == repr(second)


def test_documents_that_are_no_unicode_are_mapped():
    """
    Bytes that are no UTF-8, and a date that no calendar knows, are read and mapped.
    """
    wire = encode({"_id": 1, "name": "Kettle", "createdAt": NOON})
    wire = wire.replace(b"Kettle", b"K\xffttle")
    wire = wire.replace(b"\tcreatedAt\0" + _ms(NOON), b"\tcreatedAt\0" + b"\x7f" * 8)
    document = decode(wire, codec_options=CODEC)
    mapped = make_mapped(document)

    assert mapped.product.texts == {"name": "K\ufffdttle"}
    assert [str(one) for one in mapped.problems] == [
        "created: not a time: beyond any calendar"
    ]


def _ms(time):
    return int(time.timestamp() * 1000).to_bytes(8, "little")


def test_roots_are_the_fields_that_a_product_depends_on():
    """
    A document cut down to the roots is the same product.
    """
    settings = make_settings(
        display_fields=("seller.name",),
        visible_when='{"seller.blocked": {"$ne": true}}',
    )
    mapper = Mapper(settings)
    document = make_document(seller={"name": "Ada", "blocked": True}, notes="x" * 1000)
    needed = {name: value for name, value in document.items() if name in mapper.roots}

    assert mapper.to_product(needed) == mapper.to_product(document)
    assert {"_id", "name", "countInStock", "seller"} <= mapper.roots
    assert "notes" not in mapper.roots


@pytest.mark.parametrize("name", sorted(SHAPING))
def test_a_setting_that_shapes_the_model_changes_the_fingerprint(name):
    """
    Models made under other settings are not taken for those of these.
    """
    other = {"sublinear": False, "visible_when": "{}", "weights": {"name": 1.0}}
    settings = make_settings(**{name: other.get(name, ("elsewhere",))})

    assert fingerprint(settings) != fingerprint(make_settings())


@pytest.mark.parametrize("name", REFERRING)
def test_what_products_refer_to_changes_the_fingerprint(name):
    """
    Models whose references were read from elsewhere differ; those of shops that name
    no such collection stay what they are.
    """
    names = {"category_collection": "kinds", "brand_collection": "makers"}
    settings = make_settings(**names)

    assert fingerprint(make_settings(**names | {name: "other"})) != fingerprint(
        settings
    )
    assert fingerprint(make_settings(brand_name="title")) == fingerprint(
        make_settings()
    )


def test_what_cannot_be_used_is_not_kept():
    """
    A document with problems leaves nothing behind that only the garbage collector would
    find: the processes that build let it rest, and each such document has others
    beside it in its batch.
    """
    mapper = Mapper(make_settings())
    wrong = {
        "brand": OBJECT_ID, "price": "on request", "tags": ["a", {}, "b"],
        "categories": [OBJECT_ID], "images": [5, "/a.png"], "stock": [{}, "many"],
    }  # fmt: skip
    document = make_document(**wrong)
    assert len(mapper.to_product(document).problems) > 2
    times = 1_000
    gc.collect()
    gc.disable()
    try:
        for _ in range(times):
            mapper.to_product(document)
        # What other threads leave meanwhile does not grow with the documents.
        assert gc.collect() < times
    finally:
        gc.enable()


@pytest.mark.parametrize("name", ["TEXT_VERSION", "MAPPING_VERSION", "WEIGHTS_VERSION"])
def test_a_version_of_the_code_changes_the_fingerprint(monkeypatch, name):
    """
    Models made by older code are not taken for those of this code.
    """
    before = fingerprint(make_settings())
    monkeypatch.setattr(mapping, name, 99)

    assert fingerprint(make_settings()) != before


def test_other_settings_leave_the_fingerprint():
    """
    Where the model lies and how fresh it is kept are not part of it, nor is the order
    of weights; every setting is known to be of the one kind or the other.
    """
    weights = dict(reversed(DEFAULT_WEIGHTS.items()))
    settings = make_settings(quiet_s=0.5, collection="goods", weights=weights)

    assert fingerprint(settings) == fingerprint(make_settings())
    shaping = {*SHAPING, *REFERRING}
    assert shaping | NOT_SHAPING == set(ListenerSettings.model_fields)
    assert not shaping & NOT_SHAPING
