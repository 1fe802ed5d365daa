"""
Documents for tests: a shop's, odd ones, and whatever BSON can hold.
"""

from __future__ import annotations

import re
import uuid

from datetime import UTC, datetime
from random import Random
from typing import Any

from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from hypothesis import strategies as st

from listener.mapping import Mapped, Mapper
from recommender.settings import ListenerSettings


OBJECT_ID = ObjectId("65a000000000000000000001")
NOON = datetime(2024, 1, 5, 12, tzinfo=UTC)
INT64 = (-(1 << 63), (1 << 63) - 1)


def make_settings(**values: Any) -> ListenerSettings:
    """
    Return the settings of a shop that sets nothing but *values*.
    """
    alone: dict[str, Any] = {"_env_file": None}
    return ListenerSettings(**alone, **values)


def make_mapped(document: dict[str, Any], **settings: Any) -> Mapped:
    """
    Return what becomes of *document*, which needs no id, under *settings*.
    """
    return Mapper(make_settings(**settings)).to_product({"_id": OBJECT_ID, **document})


def make_document(**values: Any) -> dict[str, Any]:
    """
    Return a document as most shops have them, but for *values*.
    """
    defaults: dict[str, Any] = {
        "_id": OBJECT_ID,
        "name": "Steel Kettle",
        "description": "Boils water fast.",
        "category": "Kitchen > Kettles",
        "brand": "Brimm",
        "price": 39.5,
        "stock": 7,
        "tags": ["kettle", "steel"],
        "rating": 4.5,
        "image": "/images/kettle.jpg",
        "status": "approved",
        "createdAt": NOON,
    }
    return defaults | values


def any_scalar() -> st.SearchStrategy[Any]:
    """
    Return a strategy of values of all types that BSON has, but for those with parts.
    """
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(*INT64),
        st.integers(*INT64).map(Int64),
        st.floats(),
        st.binary(min_size=16, max_size=16).map(Decimal128.from_bid),
        any_text(),
        st.binary(min_size=12, max_size=12).map(ObjectId),
        st.datetimes().map(lambda time: time.replace(microsecond=0, tzinfo=UTC)),
        st.integers(*INT64).map(DatetimeMS),
        st.binary(),
        st.binary().map(lambda content: Binary(content, 5)),
        st.uuids(),
        st.sampled_from([Regex("a+", "i"), re.compile("b"), MinKey(), MaxKey()]),
        any_text().map(Code),
        st.builds(Timestamp, st.integers(0, (1 << 32) - 1), st.integers(0, 9)),
    )


def any_text() -> st.SearchStrategy[str]:
    """
    Return a strategy of strings, also of those that no UTF-8 can hold, and of markup.
    """
    characters = st.characters(exclude_categories=())
    parts = (
        "<",
        ">",
        "&",
        "&#",
        "<!--",
        "<script>",
        ";",
        "'",
        '"',
        " > ",
        ",",
        "1",
        "\0",
    )
    return st.one_of(st.text(characters), st.lists(st.sampled_from(parts)).map("".join))


def any_value() -> st.SearchStrategy[Any]:
    """
    Return a strategy of whatever BSON can hold.
    """
    return st.recursive(any_scalar(), _with_parts, max_leaves=12)


def any_id() -> st.SearchStrategy[Any]:
    """
    Return a strategy of what MongoDB takes as `_id`: no list, no name with a "$".
    """
    names = st.text().filter(lambda name: not name.startswith("$"))
    parts = st.recursive(any_scalar(), lambda inner: st.dictionaries(names, inner))
    return parts.filter(lambda value: not isinstance(value, Regex | re.Pattern))


def _with_parts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.one_of(any_text(), st.sampled_from(["name", "parent", "url", "amount"]))
    return st.one_of(
        st.lists(inner),
        st.dictionaries(names, inner),
        st.builds(DBRef, st.text(min_size=1), inner),
        st.builds(Code, st.text(), st.dictionaries(st.text(), inner, max_size=2)),
    )


# What queries are tried on, and with.
ODD: list[Any] = [
    None, True, False, 0, 1, 2, -1, -5, 5, 5.0, 5.5, Int64(5), Decimal128("5.0"),
    Decimal128("0.1"), 0.1, float("nan"), Decimal128("NaN"), float("inf"), "", "a", "b",
    "approved", "Approved", "draft", "5", OBJECT_ID, NOON, b"x", uuid.UUID(int=5).bytes,
    {}, {"b": 1}, {"b": None}, {"b": 1, "c": 2}, {"c": 2, "b": 1}, {"b": [1, 2]},
    {"b": {"c": 1}},
]  # fmt: skip
ORDERED = ODD[:27]  # those that come before bytes
PATTERNS = [Regex("a"), Regex("^A", "i"), Regex("^$")]
PATHS = ["a", "b", "a.b", "a.b.c", "a.0", "a.0.b", "a.1", "b.c", "a.c"]
TYPES: list[Any] = [
    "string", "number", "int", "double", "array", "object", "null", "bool", "objectId",
    "date", "long", "decimal", 2, 16, ["string", "null"],
]  # fmt: skip


class OddShop:
    """
    Draws documents with little sense and queries about them; the same for one seed.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def document(self, id_: int) -> dict[str, Any]:
        """
        Return a document with up to three fields.
        """
        names = self._random.sample("abc", self._random.randrange(4))
        return {"_id": id_, **{name: self._value() for name in names}}

    def query(self, depth: int = 0) -> dict[str, Any]:
        """
        Return a query that uses any of the operators.
        """
        draw = self._random
        if depth < 2 and draw.random() < 0.2:
            clauses = [self.query(depth + 1) for _ in range(draw.randint(1, 2))]
            return {draw.choice(["$and", "$or", "$nor"]): clauses}
        return {
            draw.choice(PATHS): self._condition() for _ in range(draw.randint(1, 2))
        }

    def _value(self, depth: int = 0) -> Any:
        draw, inner = self._random, depth + 1
        kind = draw.random()
        if depth < 2 and kind < 0.25:
            return [self._value(inner) for _ in range(draw.randrange(4))]
        if depth < 2 and kind < 0.35:
            names = draw.sample("abc01", draw.randrange(3))
            return {name: self._value(inner) for name in names}
        return draw.choice(ODD)

    def _condition(self) -> Any:
        draw = self._random
        if draw.random() < 0.15:
            return draw.choice([self._value(), draw.choice(PATTERNS)])
        return self._operator()

    def _operator(self) -> dict[str, Any]:
        draw = self._random
        some = [
            draw.choice([self._value(), draw.choice(PATTERNS)])
            for _ in range(draw.randrange(4))
        ]
        operators: list[dict[str, Any]] = [
            {draw.choice(["$eq", "$ne"]): self._value()},
            {draw.choice(["$gt", "$gte", "$lt", "$lte"]): draw.choice(ORDERED)},
            {draw.choice(["$in", "$nin", "$all"]): some},
            {"$exists": draw.choice([True, False, 1, 0])},
            {"$type": draw.choice(TYPES)},
            {
                "$regex": draw.choice(["a", "^a", "A$"]),
                "$options": draw.choice(["", "i"]),
            },
            {"$size": draw.randrange(3)},
            {"$mod": [draw.choice([2, 3, -2]), draw.choice([0, 1, -1])]},
        ]
        chosen = draw.choice(operators)
        match draw.randrange(8):
            case 0:
                return {"$not": chosen}
            case 1:
                return {
                    "$elemMatch": draw.choice([chosen, {draw.choice(PATHS): chosen}])
                }
        return chosen
