"""
An `_id` of every type that a shop might use.
"""

from __future__ import annotations

import datetime
import uuid

from typing import Any, Final

from bson import Decimal128, Int64, ObjectId
from bson.binary import Binary, UuidRepresentation
from bson.codec_options import CodecOptions


# With which a test writes and reads them.
UUIDS: Final = CodecOptions[dict[str, Any]](
    uuid_representation=UuidRepresentation.STANDARD
)

IDS: Final = [
    ObjectId("65a000000000000000000001"),
    "text",
    "5",
    5,
    Int64(1 << 40),
    5.5,
    -0.0,
    True,
    None,
    Decimal128("7.25"),
    uuid.UUID(int=7),
    Binary(b"\x00\x01", 0),
    datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC),
    {"shop": 1, "sku": "a"},
    {"sku": "a", "shop": 1},
    "x" * 3_000,
]
