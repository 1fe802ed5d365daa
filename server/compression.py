"""
Answers made smaller, for who can read them so.
"""

from __future__ import annotations

import asyncio
import functools
import gzip

from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import brotli  # type: ignore[import-untyped]
import xxhash

from aiohttp import hdrs, web


SMALLEST: Final = 1_024  # bytes; less is one packet anyway
LARGEST_AT_ONCE: Final = 32 * 1_024  # bytes; more is a thread's work
REMEMBERED: Final = 16 * 1_024 * 1_024  # bytes of compressed answers
BROTLI_QUALITY: Final = 4  # as small as gzip's best, three times as quick
GZIP_LEVEL: Final = 6
COMPRESSIBLE: Final = ("text/", "application/json", "application/problem+json")
ALSO: Final = frozenset({"image/svg+xml", "application/javascript"})

_Compress = Callable[[bytes], bytes]
_Key = tuple[str, bytes]


def _to_brotli(body: bytes) -> bytes:
    packed: bytes = brotli.compress(body, quality=BROTLI_QUALITY)
    return packed


def _to_gzip(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


# The first is taken of those that the caller likes best.
CODINGS: Final[Mapping[str, _Compress]] = {"br": _to_brotli, "gzip": _to_gzip}


VARIES: Final[Mapping[str, str]] = MappingProxyType({hdrs.VARY: hdrs.ACCEPT_ENCODING})
_CODED: Final = {
    coding: MappingProxyType({**VARIES, hdrs.CONTENT_ENCODING: coding})
    for coding in CODINGS
}


class Packed(NamedTuple):
    """
    A body as it is sent, and the headers that say so.
    """

    headers: Mapping[str, str]
    body: bytes


class Compression:
    """
    Compresses each body once, as long as it is remembered.
    """

    def __init__(self) -> None:
        self._packed: OrderedDict[_Key, bytes] = OrderedDict()
        self._size = 0

    def choose(self, request: web.Request, response: web.Response) -> str | None:
        """
        Return how the answer to *request* is to be made smaller; None: not at all. Where
        that depends on the caller, the answer says so.
        """
        if not _is_worth_it(response):
            return None
        response.headers.add(hdrs.VARY, hdrs.ACCEPT_ENCODING)
        accepted = request.headers.get(hdrs.ACCEPT_ENCODING)
        return to_coding(accepted) if accepted else None

    def pack_at_once(self, accepted: str | None, body: bytes) -> Packed | None:
        """
        Return JSON for a caller who sends this Accept-Encoding; None where compressing
        it takes so long that it is a thread's work.
        """
        if len(body) < SMALLEST:
            return Packed({}, body)
        coding = to_coding(accepted) if accepted else None
        if coding is None:
            return Packed(VARIES, body)
        packed = self._at_once(_to_key(coding, body), body)
        return None if packed is None else Packed(_CODED[coding], packed)

    async def apply(self, coding: str, response: web.Response) -> None:
        """
        Make an answer smaller.
        """
        response.body = await self._pack(coding, bytes(response.body))  # type: ignore[arg-type]
        response.headers[hdrs.CONTENT_ENCODING] = coding

    async def _pack(self, coding: str, body: bytes) -> bytes:
        key = _to_key(coding, body)
        packed = self._at_once(key, body)
        if packed is None:
            packed = await asyncio.to_thread(CODINGS[coding], body)
            self._remember(key, packed)
        return packed

    def _at_once(self, key: _Key, body: bytes) -> bytes | None:
        """
        Return *body* packed; None where that is a thread's work.
        """
        packed = self._packed.get(key)
        if packed is not None:
            self._packed.move_to_end(key)
            return packed
        if len(body) > LARGEST_AT_ONCE:
            return None
        packed = CODINGS[key[0]](body)
        self._remember(key, packed)
        return packed

    def _remember(self, key: _Key, packed: bytes) -> None:
        if key in self._packed:  # another request has been as quick
            return
        self._packed[key] = packed
        self._size += len(packed)
        while self._size > REMEMBERED:
            _, oldest = self._packed.popitem(last=False)
            self._size -= len(oldest)


@functools.lru_cache(maxsize=64)  # browsers are of few kinds
def to_coding(accepted: str) -> str | None:
    """
    Return how to compress for who sends this Accept-Encoding; None: not at all.
    """
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights[name] = _to_weight(parameters)
    other = weights.get("*", 0.0)
    liked = {coding: weights.get(coding, other) for coding in CODINGS}
    best = max(CODINGS, key=lambda coding: liked[coding])
    return best if liked[best] > 0 else None


def _to_key(coding: str, body: bytes) -> _Key:
    return coding, xxhash.xxh3_128_digest(body)


def _to_weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _is_worth_it(response: web.Response) -> bool:
    body = response.body
    return (
        isinstance(body, bytes)
        and len(body) >= SMALLEST
        and hdrs.CONTENT_ENCODING not in response.headers
        and _is_compressible(response.headers.get(hdrs.CONTENT_TYPE, ""))
    )


@functools.lru_cache(maxsize=64)  # types are of few kinds, too, and ours
def _is_compressible(content_type: str) -> bool:
    essence = content_type.partition(";")[0].strip().lower()
    return essence.startswith(COMPRESSIBLE) or essence in ALSO
