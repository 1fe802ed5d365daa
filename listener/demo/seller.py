"""
The four triggers of a shop: a product is created, edited, approved or rejected, and
deleted. They write to the demo's collection, and tell nobody.
"""

from __future__ import annotations

import re

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from bson import ObjectId, json_util
from bson.errors import BSONError
from pymongo import DESCENDING, MongoClient
from pymongo.client_session import ClientSession

from listener.demo.draft import Draft
from listener.demo.material import load_departments
from listener.demo.picture import PLAIN, to_picture
from listener.keys import to_key
from recommender.address import to_address, to_keys


MOST_SHOWN: Final = 100

Document = dict[str, Any]


class UnknownProduct(LookupError):  # noqa: N818 the class says what happened
    """
    There is no such product.
    """


@dataclass(frozen=True, slots=True)
class Write:
    """
    An acknowledged write.

    Attributes:
        product_id: Of the product, as addresses have it.
        operation_time: The database's, as `seconds:increment`.
    """

    product_id: str
    operation_time: str


@dataclass(frozen=True, slots=True)
class Listing:
    """
    Some products of any status, newest first.

    Attributes:
        items: The products, as the desk shows them.
        counts: How many the collection holds of each status.
    """

    items: Sequence[Mapping[str, Any]]
    counts: Mapping[str, int]


class Seller:
    """
    Whoever works at the desk; methods block until the database has answered.

    Raises:
        PyMongoError: From each of them, when it does not.
    """

    def __init__(
        self, client: MongoClient[Document], database: str, collection: str
    ) -> None:
        self._client = client
        self._products = client[database][collection]
        departments = load_departments()
        self._colours = {one.name: one.colour for one in departments}
        self._signs = {
            (one.name, shelf.name): shelf.picture
            for one in departments
            for shelf in one.shelves
        }

    def find(self, *, status: str, words: str, limit: int, offset: int) -> Listing:
        """
        Return products with *status* whose name has *words* in it; either may be empty.
        """
        query: Document = {"status": status} if status else {}
        if words:
            query["name"] = {"$regex": re.escape(words), "$options": "i"}
        found = self._products.find(query).sort("_id", DESCENDING)
        found = found.skip(offset).limit(min(limit, MOST_SHOWN))
        return Listing([_to_item(document) for document in found], self._counts())

    def create(self, draft: Draft) -> Write:
        """
        Insert a product; one without a status waits for approval.
        """
        document = {
            "_id": ObjectId(),
            "status": "pending",
            "createdAt": datetime.now(UTC),
            **draft.to_fields(),
        }
        document["image"] = self._to_image(document)
        with self._session() as session:
            self._products.insert_one(document, session=session)
            return _to_write(document["_id"], session)

    def edit(self, address: str, draft: Draft) -> Write:
        """
        Set the fields of *draft*; approving and rejecting set the status.

        Raises:
            UnknownProduct: There is none at *address*.
        """
        with self._session() as session:
            found = self._products.find_one_and_update(
                _at(address),
                {"$set": draft.to_fields()},
                projection=["_id"],
                session=session,
            )
            return _to_write(_known(found)["_id"], session)

    def delete(self, address: str) -> Write:
        """
        Remove a product.

        Raises:
            UnknownProduct: There is none at *address*.
        """
        with self._session() as session:
            found = self._products.find_one_and_delete(
                _at(address), projection=["_id"], session=session
            )
            return _to_write(_known(found)["_id"], session)

    @contextmanager
    def _session(self) -> Iterator[ClientSession]:
        with self._client.start_session() as session:
            yield session

    def _counts(self) -> dict[str, int]:
        groups = self._products.aggregate(
            [{"$group": {"_id": "$status", "count": {"$sum": 1}}}]
        )
        return {str(group["_id"] or "none"): group["count"] for group in groups}

    def _to_image(self, document: Mapping[str, Any]) -> str:
        category = list(document.get("category", ()))
        department, shelf = [*category, "", ""][:2]
        name = str(document.get("name", ""))
        return to_picture(
            colour=self._colours.get(department, PLAIN),
            shape=len(name),
            sign=self._signs.get((department, shelf), ""),
            name=name,
        )


def _at(address: str) -> Document:
    """
    Return the query for the product at *address*, whatever the type of its id.
    """
    return {"_id": {"$in": list(_ids(address))}}


def _ids(address: str) -> Iterator[Any]:
    for key in to_keys(address):
        try:
            yield json_util.loads(key.decode())
        except (ValueError, TypeError, BSONError):
            continue  # a key that no document can have


def _known(found: Document | None) -> Document:
    if found is None:
        raise UnknownProduct
    return found


def _to_write(_id: object, session: ClientSession) -> Write:
    time = session.operation_time
    told = f"{time.time}:{time.inc}" if time else ""
    return Write(to_address(to_key(_id)), told)


def _to_item(document: Document) -> Document:
    category = document.get("category") or []
    tags = document.get("tags") or []
    created = document.get("createdAt")
    shown = {
        "id": to_address(to_key(document["_id"])),
        "name": document.get("name"),
        "description": document.get("description"),
        "category": category if isinstance(category, list) else [category],
        "brand": document.get("brand"),
        "price": document.get("price"),
        "stock": document.get("stock"),
        "tags": tags if isinstance(tags, list) else [tags],
        "status": document.get("status"),
        "image": document.get("image"),
        "created_at": created.isoformat() if isinstance(created, datetime) else None,
    }
    # a loaded catalogue may hold anything
    plain: Document = orjson.loads(orjson.dumps(shown, default=str))
    return plain
