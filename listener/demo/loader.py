"""
Documents go into the demo's collection; no other code writes to a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import ReplaceOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from listener.demo.jsonl import BadLine, Line
from listener.demo.sample import sample_products


Products = Collection[dict[str, Any]]


def load_sample(products: Products) -> int:
    """
    Put the sample catalogue into an empty collection; return how many products that
    were: 0 when there is any document already.
    """
    if products.find_one(projection=["_id"]) is not None:
        return 0
    return len(products.insert_many(sample_products(), ordered=False).inserted_ids)


def remove_sample(products: Products) -> int:
    """
    Remove the products of the sample catalogue; return how many those were.
    """
    ids = [product["_id"] for product in sample_products()]
    return products.delete_many({"_id": {"$in": ids}}).deleted_count


def upsert(products: Products, lines: Sequence[Line]) -> list[BadLine]:
    """
    Put each line's document in the place of the one with its id; return the lines that
    the database does not take.
    """
    writes = [
        ReplaceOne({"_id": line.document["_id"]}, line.document, upsert=True)
        for line in lines
    ]
    if not writes:
        return []
    try:
        products.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        return [
            BadLine(lines[fault["index"]].number, fault["errmsg"])
            for fault in (error.details or {}).get("writeErrors", ())
        ]
    return []
