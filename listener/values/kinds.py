"""
What MongoDB calls the type of a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from re import Pattern
from typing import Final
from uuid import UUID

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


BEYOND_INT32: Final = 1 << 31

# Kinds of str, int and Mapping stand before what they are kinds of.
_KINDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (Code, "javascript"),
    (str, "string"),
    (bool, "bool"),
    (Int64, "long"),
    (int, "int"),
    (float, "double"),
    (Decimal128, "decimal"),
    ((DBRef, Mapping), "object"),
    ((list, tuple), "array"),
    (ObjectId, "objectId"),
    ((datetime, DatetimeMS), "date"),
    ((bytes, Binary, UUID), "binData"),
    ((Regex, Pattern), "regex"),
    (Timestamp, "timestamp"),
    (MinKey, "minKey"),
    (MaxKey, "maxKey"),
)
# The numbers that `$type` also takes.
KIND_NUMBERS: Final[Mapping[int, str]] = {
    1: "double",
    2: "string",
    3: "object",
    4: "array",
    5: "binData",
    7: "objectId",
    8: "bool",
    9: "date",
    10: "null",
    11: "regex",
    13: "javascript",
    15: "javascriptWithScope",
    16: "int",
    17: "timestamp",
    18: "long",
    19: "decimal",
    -1: "minKey",
    127: "maxKey",
}


def to_kind(value: object) -> str:
    """
    Return the type of *value* as `$type` names it; "unknown" when BSON has no such.
    """
    kind = next((name for type_, name in _KINDS if isinstance(value, type_)), "unknown")
    if kind == "int" and not _is_int32(value):
        return "long"
    if isinstance(value, Code) and value.scope is not None:
        return "javascriptWithScope"
    return kind


def _is_int32(value: object) -> bool:
    return isinstance(value, int) and -BEYOND_INT32 <= value < BEYOND_INT32
