"""
A product's id in a URL and in answers, to and from its key.

A string id is itself and an ObjectId its hex; where that would be ambiguous, and for
every other type, it is `~` and the base64url of the key, unpadded.
"""

from __future__ import annotations

import base64
import binascii
import re

from typing import Final

import orjson

from recommender.json_bytes import to_json_bytes


ESCAPE: Final = "~"

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")
_OBJECT_ID_KEY: Final = re.compile(rb'\{"\$oid":"([0-9a-f]{24})"\}')  # as most keys are
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
# URLs are normalised on the way, and one address stands for a list.
_NOT_AN_ID: Final = frozenset({"", ".", "..", "latest"})
_INT32: Final = range(-(1 << 31), 1 << 31)


def to_address(key: bytes) -> str:
    """
    Return how a URL names the product of *key*; no two keys have one address.
    """
    if found := _OBJECT_ID_KEY.fullmatch(key):
        return found[1].decode()
    value = orjson.loads(key)
    if isinstance(value, str) and not _is_ambiguous(value):
        return value
    if isinstance(value, dict) and value.keys() == {"$oid"}:
        return str(value["$oid"])
    return ESCAPE + base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def to_keys(address: str) -> tuple[bytes, ...]:
    """
    Return the keys that *address* may mean, likeliest first; none when it is no
    address.

    A number written plainly may be a string id or, failing that, a number.
    """
    if address.startswith(ESCAPE):
        return _unescaped(address[1:])
    try:
        text = to_json_bytes(address)
    except orjson.JSONEncodeError:  # half a surrogate pair
        return ()
    if _OBJECT_ID.fullmatch(address):
        return (to_json_bytes({"$oid": address.lower()}), text)
    if _INTEGER.fullmatch(address):
        return (text, to_integer_key(int(address)))
    return (text,)


def to_integer_key(value: int) -> bytes:
    """
    Return the key of an integer id, whatever its width in the database.
    """
    kind = "$numberInt" if value in _INT32 else "$numberLong"
    return to_json_bytes({kind: str(value)})


def _is_ambiguous(text: str) -> bool:
    return (
        text in _NOT_AN_ID
        or text.startswith(ESCAPE)
        or _OBJECT_ID.fullmatch(text) is not None
    )


def _unescaped(text: str) -> tuple[bytes, ...]:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        orjson.loads(key)
    except (binascii.Error, ValueError):
        return ()
    return (key,)
