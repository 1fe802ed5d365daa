"""
JSON that is kept, in no more memory than it has bytes.
"""

from __future__ import annotations

from typing import Any

import orjson


def to_json_bytes(value: Any, option: int | None = None) -> bytes:
    """
    Return what `orjson.dumps` does, without the room that it was written in: 4 KB or
    more stay with each of its results, however short it is.

    Raises:
        JSONEncodeError: There is no JSON of *value*.
    """
    return b"".join((orjson.dumps(value, option=option), b""))  # copied
