"""
Ranges of a collection in MongoDB.
"""

from __future__ import annotations

import uuid

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bson import Binary, Decimal128, ObjectId
from pymongo.collection import Collection

from listener.feed import EVERYTHING
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
