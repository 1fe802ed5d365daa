"""
A document's `_id`, of whatever type, as the canonical bytes that a product goes by.
"""

from __future__ import annotations

import json
import math

from binascii import hexlify
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from bson import Code, DBRef, Decimal128, ObjectId, json_util
from bson.binary import UuidRepresentation
from bson.decimal128 import create_decimal128_context
from bson.json_util import CANONICAL_JSON_OPTIONS

from recommender.address import to_integer_key
from recommender.json_bytes import to_json_bytes


BEYOND_INT64: Final = 1 << 63

_OPTIONS: Final = CANONICAL_JSON_OPTIONS.with_options(
    uuid_representation=UuidRepresentation.STANDARD
)
_CONTEXT: Final = create_decimal128_context()


def to_key(_id: object) -> bytes:
    """
    Return canonical extended JSON of *_id*: compact, UTF-8.

    Two values have one key exactly when MongoDB calls them equal, whatever the types
    of the numbers in them, also in embedded documents, the order of whose fields
    matters. Any value that BSON decodes to has a key; so it serves to compare any
    two values as MongoDB does.

    Raises:
        TypeError: BSON has no such type.
    """
    match _id:
        case ObjectId():
            return b'{"$oid":"%b"}' % hexlify(_id.binary)
        case int() if not isinstance(_id, bool):
            return to_integer_key(int(_id))  # an Int64 is sought in a range one by one
    tree = _to_tree(_id)
    try:
        return to_json_bytes(tree)
    except orjson.JSONEncodeError:  # half a surrogate pair somewhere
        return to_json_bytes({"$surrogates": json.dumps(tree)})


def _to_tree(value: object) -> Any:
    match value:
        case str() if not isinstance(value, Code):
            return value
        case None | bool():
            return value
        case int() | float() | Decimal128():
            return _to_number(value)
        case Mapping():
            return {name: _to_tree(item) for name, item in value.items()}
        case list() | tuple():
            return [_to_tree(item) for item in value]
    return _to_rare_tree(value)


def _to_rare_tree(value: object) -> Any:
    match value:
        case DBRef():
            return _to_tree(value.as_doc())
        case Code() if value.scope is None:
            return {"$code": str(value)}
        case Code():
            return {"$code": str(value), "$scope": _to_tree(value.scope)}
    return json_util.default(value, _OPTIONS)


def _to_number(value: float | Decimal128) -> Any:
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    if exact.is_nan():
        return _to_double(math.nan)
    if -BEYOND_INT64 <= exact < BEYOND_INT64 and exact == int(exact):
        return orjson.loads(to_integer_key(int(exact)))
    if float(exact) == exact:
        return _to_double(float(exact))
    return {"$numberDecimal": str(exact.normalize(_CONTEXT))}


def _to_double(value: float) -> Any:
    return json_util.default(value, _OPTIONS)
