"""
A caller that has written to MongoDB waits for its own write, and open pages hear of it.
"""

from __future__ import annotations

import urllib.request

from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from tests.support.processes import Pair
from tests.support.shop import make_document


Products = Collection[dict[str, Any]]
Client = MongoClient[dict[str, Any]]


def to_operation_time(client: Client, write: Any) -> str:
    """
    Return the operationTime of a write, as answers take it.
    """
    with client.start_session() as session:
        write(session)
        moment = session.operation_time
        assert moment is not None
        return f"{moment.time}.{moment.inc}"


def test_own_write_is_in_the_answer(
    shop: Pair, mongo_client: Client, collection: Products
) -> None:
    """
    Time after time, the first answer after a write that asks for it holds it, both ways.
    """
    for number in range(20):
        new = make_document(number * 4, _id=f"new-{number}")
        after = to_operation_time(
            mongo_client, lambda s, new=new: collection.insert_one(new, session=s)
        )
        query = f"limit=100&wait_ms=10000&after={after}"
        shown = shop.get(f"/v1/products/new-{number}/similar?{query}")
        assert shown.status == 200
        assert shown.json["model"]["reached"] is True
        assert shown.headers["Evershelf-Reached"] == "true"

        after = to_operation_time(
            mongo_client,
            lambda s, new=new: collection.update_one(
                {"_id": new["_id"]}, {"$set": {"status": "rejected"}}, session=s
            ),
        )
        query = f"wait_ms=10000&after={after}"
        assert shop.get(f"/v1/products/new-{number}?{query}").status == 404


def test_open_page_hears_of_a_write(shop: Pair, collection: Products) -> None:
    """
    A product that is written to is named to those who listen.
    """
    url = f"http://127.0.0.1:{shop.port}/v1/events"
    with urllib.request.urlopen(url, timeout=60) as stream:
        while (line := stream.readline()) != b"event: generation\n":
            assert line
        collection.update_one({"_id": "kettle-4"}, {"$set": {"price": 1.25}})
        while True:
            line = stream.readline()
            assert line
            if b'"changed":["kettle-4"]' in line:
                break
