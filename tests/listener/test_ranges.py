"""
Ranges of a collection in MongoDB.
"""

from __future__ import annotations

import math
import uuid

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId
from pymongo.collection import Collection

from listener.feed import EVERYTHING, IdRange, PageEnd
from listener.mongo.source import NONE_TO_DRAW
from tests.support.followed import MongoShop, mongo_shop, to_name


def of_every_type(number: int) -> Any:
    """
    Return ids of all types that an id may have, so that there is one for each number.
    """
    return [
        number,
        float(number) + 0.5,
        f"id {number}",
        {"shop": number},
        Binary(b"%d" % number, 0),
        Binary.from_uuid(uuid.UUID(int=number)),
        ObjectId(f"{number:024x}"),
        datetime.fromtimestamp(number, UTC),
        Decimal128(f"{number}.25"),
        number < 10 if number < 20 else number,
    ][number % 10]


@pytest.fixture(name="shop")
def _shop(mongo_uri: str, database: Any) -> Iterator[MongoShop]:
    with mongo_shop(mongo_uri, database.name) as shop:
        yield shop


def fill(collection: Collection[dict[str, Any]], count: int) -> None:
    documents = [{"_id": of_every_type(n), "name": f"{n}"} for n in range(count)]
    collection.insert_many([{"_id": None, "name": "none"}, *documents])


def test_every_id_parts_two_ranges(shop: MongoShop) -> None:
    """
    Whatever an id is, what begins with it ends before the next one.
    """
    odd = [MinKey(), MaxKey(), math.nan, -math.inf, math.inf, "", {}, Code("x")]
    ids = [None, *odd, *map(of_every_type, range(30))]
    shop.collection.insert_many(
        [{"_id": id_, "name": str(number)} for number, id_ in enumerate(ids)]
    )
    in_order = list(shop.collection.find().sort("_id"))

    bounds = [None, *(PageEnd(one["_id"]) for one in in_order[1:]), None]
    found = [
        [to_name(p) for batch in shop.source.scan(IdRange(*pair)) for p in batch]
        for pair in pairwise(bounds)
    ]

    assert found == [[one["name"]] for one in in_order]


@pytest.mark.parametrize("rows", [7, 100, 1_000, 100_000])
def test_ranges_are_everything_once(shop: MongoShop, rows: int) -> None:
    """
    Whatever the types of the ids, each document is in exactly one range, and the
    ranges are about as large as asked.
    """
    fill(shop.collection, 1_000)

    ranges = shop.source.split(rows)

    sizes, names = [], []
    for within in ranges:
        found = [to_name(p) for batch in shop.source.scan(within) for p in batch]
        sizes.append(len(found))
        names += found
    assert sorted(names) == sorted(["none", *map(str, range(1_000))])
    assert max(sizes) <= 4 * rows + 10
    assert len(ranges) <= 1_001 / rows + 1


def test_few_documents_are_one_range(shop: MongoShop) -> None:
    """
    What is no more than was asked for is read by one cursor, in the order of the disk.
    """
    fill(shop.collection, 20)

    assert shop.source.split(1_000) == [EVERYTHING]


def test_collation_of_the_collection(shop: MongoShop) -> None:
    """
    A collection whose ids are compared whatever their case is read whole, too.
    """
    database = shop.collection.database
    database.drop_collection(shop.collection.name)
    database.create_collection(
        shop.collection.name, collation={"locale": "en", "strength": 2}
    )
    names = [f"{'Aa'[n % 2]}{n}" for n in range(300)]
    shop.collection.insert_many([{"_id": name, "name": name} for name in names])

    found = [
        to_name(product)
        for within in shop.source.split(40)
        for batch in shop.source.scan(within)
        for product in batch
    ]

    assert sorted(found) == sorted(names)


def test_nothing_can_be_drawn(shop: MongoShop) -> None:
    """
    Where the database finds no ids to part by, all is one range.
    """
    fill(shop.collection, 1_000)
    shop.collection.database.client.admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": 1},
        data={
            "failCommands": ["aggregate"],
            "namespace": shop.collection.full_name,
            "errorCode": NONE_TO_DRAW,
        },
    )

    assert shop.source.split(100) == [EVERYTHING]
    assert len(shop.source.split(100)) > 1
