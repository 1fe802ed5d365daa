"""
Answers that are bytes from their first line on.

The library makes a head anew for each answer, line by line, which takes as long as all
else that a remembered answer needs. Here most lines are at hand: what they say is what
`server.passage` tells in other answers, by the same functions.
"""

from __future__ import annotations

import functools
import time

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter

from server.answers import Items, to_body, to_etag, to_headers
from server.compression import Compression
from server.draining import Draining
from server.freshness import Freshness
from server.gate import to_rate
from server.origins import Origins
from server.problems import REQUEST_ID


NAME: Final = "evershelf"


class Ready(web.StreamResponse):
    """
    An answer with its head, good for a connection that stays open, and written at once.
    What is done to its headers, or to the connection by it, has no effect.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def __repr__(self) -> str:
        return f"<Ready {len(self._data)} bytes>"

    @property
    def prepared(self) -> bool:
        """
        Whether it is too late for another header.
        """
        return True

    @property
    def keep_alive(self) -> bool:
        """
        Whether the connection stays open.
        """
        return True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """
        Write it; a caller who does not read is waited for, as ever.
        """
        await request.writer.write_eof(self._data)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """
        Everything is written.
        """


@dataclass(frozen=True, slots=True)
class Press:
    """
    Makes ready what anybody may see, if it is remembered or not.

    Attributes:
        cache_control: What caches are told of what anybody may see.
    """

    cache_control: str
    compression: Compression
    origins: Origins
    draining: Draining

    def compose(
        self, request: web.Request, items: Items, fresh: Freshness
    ) -> Ready | None:
        """
        Return the answer to *request*, which has its id; None where it needs more than
        that: another status, no body, the end of the connection, a thread, or other
        words for caches, as who has waited for a write.
        """
        headers = request.headers
        is_waited = fresh.reached is not None
        if is_waited or self.draining.is_on or not _is_plain(request, headers):
            return None
        body = to_body(items, fresh)
        packed = self.compression.pack_at_once(headers.get(hdrs.ACCEPT_ENCODING), body)
        if packed is None:
            return None
        varies, body = packed
        return Ready(
            b"%bX-Request-ID: %b\r\n%b%b%b%bETag: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (
                _to_start(self.cache_control, int(time.time())),
                request[REQUEST_ID].encode(),
                _to_fresh_lines(fresh),
                _to_lines(to_rate(request)),
                _to_lines(self.origins.headers(request)),
                _to_lines(varies),
                to_etag(items).encode(),
                len(body),
                body,
            )
        )


def _is_plain(request: web.Request, headers: Mapping[str, str]) -> bool:
    return (
        request.method == hdrs.METH_GET
        and request.version == HttpVersion11
        and request.keep_alive
        and hdrs.IF_NONE_MATCH not in headers
    )


@functools.lru_cache(maxsize=4)  # of this second, and of the one before
def _to_start(cache_control: str, now_s: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n%b" % _to_lines(
        {
            "Content-Type": "application/json",
            "Cache-Control": cache_control,
            "Date": formatdate(now_s, usegmt=True),
            "Server": NAME,
        }
    )


@functools.lru_cache(maxsize=16)  # many answers are of one freshness
def _to_fresh_lines(fresh: Freshness) -> bytes:
    return _to_lines(to_headers(fresh))


def _to_lines(headers: Mapping[str, str]) -> bytes:
    """
    Return *headers* as lines. No value holds the end of one: all of them are ours, but
    an origin, which is one of those that are allowed, a request's id, and a listener's
    reason, which are printable ASCII.
    """
    if not headers:
        return b""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
