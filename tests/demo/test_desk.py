"""
The desk writes to the database, and to nothing else.
"""

from __future__ import annotations

import contextlib

from collections.abc import AsyncIterator

import pytest

from aiohttp.test_utils import TestClient, TestServer
from bson import ObjectId
from pymongo import MongoClient

from listener.demo.desk import Desk
from listener.demo.seller import Seller
from server.access import Keys


@pytest.fixture(name="open_desk")
async def _open_desk(mongo_client, database) -> AsyncIterator[object]:
    async with contextlib.AsyncExitStack() as stack:

        async def open_desk(*keys: str, mongo: object = mongo_client) -> TestClient:
            seller = Seller(mongo, database.name, "products")
            app = Desk(seller, Keys.of(keys)).make_app()
            return await stack.enter_async_context(TestClient(TestServer(app)))

        yield open_desk


@pytest.fixture(name="desk")
async def _desk(open_desk) -> TestClient:
    return await open_desk()


KETTLE = {
    "name": "Red kettle",
    "description": "It whistles.",
    "category": ["Kitchen", "Cookware"],
    "brand": "Aldo",
    "price": 20.5,
    "stock": 3,
    "tags": ["tea"],
}


async def test_create(desk, collection):
    """
    A new product waits for approval; its shelf's sign is its picture; the answer says
    by which time of the database it is written.
    """
    answer = await desk.post("/products", json=KETTLE)
    told = await answer.json()

    assert answer.status == 201
    (found,) = collection.find()
    assert str(found["_id"]) == told["id"]
    assert KETTLE.items() <= found.items()
    assert found["status"] == "pending"
    assert found["image"].startswith("data:image/svg+xml,")
    assert "M4 10h16v7" in found["image"]  # a pot
    seconds, increment = map(int, told["operation_time"].split(":"))
    assert seconds > 1_700_000_000
    assert increment >= 0
    assert told["write_ms"] > 0


async def test_a_shelf_that_the_sample_does_not_have(desk, collection):
    """
    The picture has the initials then.
    """
    await desk.post(
        "/products", json={"name": "Moon rover, grey", "category": ["Space"]}
    )

    assert "%3EMG%3C" in collection.find_one()["image"]


@pytest.mark.parametrize(
    "_id", [ObjectId("65e30d40a97b93de8ae8a993"), "sku-7", 7, {"a": 1}], ids=repr
)
async def test_edit_approve_delete(desk, collection, _id):
    """
    Fields that are not sent stay; ids may be of any type.
    """
    collection.insert_one(
        {"_id": _id, "name": "Lamp", "price": 1.0, "status": "pending"}
    )
    (item,) = (await (await desk.get("/products")).json())["items"]
    path = f"/products/{item['id']}"

    assert (await desk.patch(path, json={"price": 2})).status == 200
    assert (await desk.patch(path, json={"status": "approved"})).status == 200
    assert collection.find_one() == {
        "_id": _id, "name": "Lamp", "price": 2.0, "status": "approved",
    }  # fmt: skip
    assert (await desk.delete(path)).status == 200
    assert collection.find_one() is None
    assert (await desk.delete(path)).status == 404
    assert (await desk.patch(path, json={"price": 2})).status == 404


@pytest.mark.parametrize("id_", ["~%24", "~eyJhIjp9", "%00", "unknown"])
async def test_ids_that_nothing_has(desk, id_):
    """
    They are 404, however odd.
    """
    assert (await desk.delete(f"/products/{id_}")).status == 404


async def test_list(desk, collection):
    """
    Products of any status, the newest first, by status and by a part of the name, page
    by page; counts are of all.
    """
    statuses = ["approved", "pending", "pending", "rejected"]
    collection.insert_many(
        {"_id": n, "name": f"lamp ({n})", "status": status}
        for n, status in enumerate(statuses)
    )

    async def ids(query: str) -> list[str]:
        answer = await (await desk.get(f"/products?{query}")).json()
        assert answer["counts"] == {"approved": 1, "pending": 2, "rejected": 1}
        return [item["name"] for item in answer["items"]]

    assert await ids("") == ["lamp (3)", "lamp (2)", "lamp (1)", "lamp (0)"]
    assert await ids("status=pending") == ["lamp (2)", "lamp (1)"]
    assert await ids("q=LAMP (1)") == ["lamp (1)"]  # no pattern
    assert await ids("limit=1&offset=1") == ["lamp (2)"]
    assert await ids("limit=x&offset=-1") == [
        "lamp (3)",
        "lamp (2)",
        "lamp (1)",
        "lamp (0)",
    ]


async def test_documents_of_any_shape_are_listed(desk, collection):
    """
    A catalogue that was loaded may hold anything.
    """
    collection.insert_one(
        {"_id": 1, "name": {"en": "x"}, "category": "A > B", "tags": None, "price": "1"}
    )

    (item,) = (await (await desk.get("/products")).json())["items"]

    assert item["category"] == ["A > B"]
    assert item["tags"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x", "price": -1}, "price"),
        ({"name": "x", "price": "cheap"}, "price"),
        ({"name": "x", "stock": 1.5}, "stock"),
        ({"name": "x", "status": "sold"}, "status"),
        ({"name": "x", "category": ["a"] * 9}, "category"),
        ({"name": "x", "_id": 7}, "_id"),
        ({"name": "x", "$set": {}}, "$set"),
    ],
)
async def test_a_bad_product(desk, collection, body, field):
    """
    The answer names the field, and nothing is written.
    """
    answer = await desk.post("/products", json=body)
    problem = await answer.json(content_type=None)

    assert (answer.status, problem["code"]) == (400, "bad_product")
    assert field in {fault["field"].split(".")[0] for fault in problem["errors"]}
    assert collection.find_one() is None


async def test_only_json_is_taken(desk, collection):
    """
    What a form of another site could send is refused.
    """
    answer = await desk.post(
        "/products", data='{"name": "x"}', headers={"Content-Type": "text/plain"}
    )
    nothing = await desk.patch("/products/7", json={})

    assert (answer.status, nothing.status) == (415, 400)
    assert collection.find_one() is None


async def test_admins_only(open_desk, desk):
    """
    The rule of every admin door: no foreign page, no proxy; with keys, a key.
    """
    guarded = await open_desk("s3cret")

    assert (await desk.get("/products", headers={"Via": "x"})).status == 403
    assert (await desk.get("/products", headers={"Origin": "http://a"})).status == 403
    assert (await guarded.get("/products")).status == 401
    assert (
        await guarded.get("/products", headers={"X-API-Key": "s3cret"})
    ).status == 200


async def test_a_database_that_is_away(open_desk):
    """
    The answer says so and when to come again.
    """
    with MongoClient("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=50) as away:
        desk = await open_desk(mongo=away)
        answer = await desk.post("/products", json={"name": "x"})
        problem = await answer.json(content_type=None)

    assert (answer.status, problem["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"] == "2"
