"""
Products, and models of them, for tests.
"""

from __future__ import annotations

import itertools
import math
import random

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from recommender.bulk import Builder
from recommender.generation import Generation
from recommender.index import Index, Merge
from recommender.manifest import Manifest
from recommender.mutation import Upsert
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.segment import Part, Segment
from recommender.snapshot import Snapshot
from recommender.store import Store
from recommender.text import TEXT_VERSION
from recommender.weights import Weights


# Not the defaults, which are tuned: the stores that are kept are made with these.
WEIGHTS = Weights(
    {"name": 3.0, "tags": 2.0, "category": 2.0, "brand": 1.0, "description": 1.0}
)
ADJECTIVES = [
    "red",
    "blue",
    "small",
    "large",
    "light",
    "heavy",
    "warm",
    "cool",
    "soft",
    "steel",
    "oak",
    "cotton",
]
NOUNS = [
    "kettle",
    "lamp",
    "chair",
    "jacket",
    "bottle",
    "tent",
    "helmet",
    "speaker",
    "scarf",
    "knife",
]
BRANDS = ("Aldo", "Brimm", "Corva", "")
CATEGORIES = (("Home", "Kitchen"), ("Home", "Light"), ("Outdoor",), ())


def make_key(id_: str) -> bytes:
    """
    Return the key of a product whose id is a string.
    """
    return orjson.dumps(id_)


def make_product(
    id_: str = "p1",
    name: str = "",
    *,
    description: str = "",
    tags: str = "",
    category: Sequence[str] = (),
    brand: str = "",
    price: float = math.nan,
    in_stock: bool = True,
    visible: bool = True,
    created_s: float = math.nan,
    display: dict[str, Any] | None = None,
) -> Product:
    """
    Return a product whose id is the string *id_*; texts left empty are absent.

    Its display shows its name, unless told.
    """
    texts = {"name": name, "description": description, "tags": tags}
    return Product(
        key=make_key(id_),
        texts={field: text for field, text in texts.items() if text},
        category=tuple(category),
        brand=brand,
        price=price,
        in_stock=in_stock,
        visible=visible,
        created_s=created_s,
        display=orjson.dumps({"name": name} if display is None else display),
    )


def make_catalogue(count: int, seed: int = 0) -> list[Product]:
    """
    Return *count* products with ids "0", "1", …, always the same for one seed.

    One in eight is hidden; names and descriptions share words, so most have
    neighbours.
    """
    return list(itertools.islice(make_products(seed), count))


def make_products(seed: int = 0) -> Iterator[Product]:
    """
    Yield products without end, as `make_catalogue` returns them.
    """
    draw = random.Random(seed)
    for number in itertools.count():
        adjectives = draw.sample(ADJECTIVES, 2)
        noun = draw.choice(NOUNS)
        yield make_product(
            str(number),
            f"{adjectives[0]} {noun}",
            description=f"{noun} {adjectives[1]} {draw.choice(NOUNS)} {number % 97}",
            category=draw.choice(CATEGORIES),
            brand=draw.choice(BRANDS),
            price=draw.choice((math.nan, 5.0, 10.0, 19.99)),
            in_stock=draw.random() < 0.7,
            visible=draw.random() < 0.875,
        )


def make_segment(products: Iterable[Product], weights: Weights = WEIGHTS) -> Segment:
    """
    Return one segment of *products*.
    """
    builder = Builder(weights)
    builder.add(products)
    return builder.finish()


def make_index(products: Iterable[Product] = (), weights: Weights = WEIGHTS) -> Index:
    """
    Return an index that holds *products*, not yet frozen.
    """
    index = Index(weights)
    index.apply(map(Upsert, products))
    return index


def compact(index: Index) -> None:
    """
    Make everything one segment; a merge under way is forgotten.
    """
    index.freeze()
    parts = tuple(Part(held.segment, held.dead.copy()) for held in index._shelf)
    if parts:
        index._merging = merge = Merge(parts, keep_tombstones=False)
        index.adopt(merge, merge.run())


def make_manifest(**values: Any) -> Manifest:
    """
    Return a manifest of an empty catalogue, but for *values*.
    """
    defaults: dict[str, Any] = {
        "generation": 1,
        "segments": (),
        "checkpoints": {"products": "start"},
        "as_of": ClusterTime(1_700_000_000, 1),
        "identity": "shop.products",
        "fingerprint": "weights",
        "products": 0,
        "visible": 0,
        "published_s": 1_700_000_000.5,
        "next_generation": 2,
        "text_version": TEXT_VERSION,
    }
    return Manifest(**defaults | values)


def make_generation(index: Index, /, **values: Any) -> Generation:
    """
    Return what *index* holds as a generation that has never seen a disk.
    """
    segments = index.freeze()
    counts = {"products": index.products, "visible": index.visible}
    return Generation(make_manifest(**counts | values), segments)


def make_snapshot(
    products: Iterable[Product], weights: Weights = WEIGHTS, /, **values: Any
) -> Snapshot:
    """
    Return the model of *products*, with *values* in its manifest.
    """
    return Snapshot.derive(make_generation(make_index(products, weights), **values))


def publish(store: Store, index: Index, /, **values: Any) -> Manifest:
    """
    Publish what *index* holds, with *values* in the manifest.
    """
    defaults: dict[str, Any] = {
        "checkpoints": {"products": "start"},
        "as_of": ClusterTime(1_700_000_000, 1),
        "identity": "shop.products",
        "fingerprint": "weights",
        "products": index.products,
        "visible": index.visible,
        "written_s": None,
        "now_s": 1_700_000_000.5,
    }
    return store.publish(index.freeze(), **defaults | values)


def ids(keys: Iterable[bytes]) -> list[Any]:
    """
    Return the ids that *keys* stand for, as their JSON says.
    """
    return [orjson.loads(key) for key in keys]
