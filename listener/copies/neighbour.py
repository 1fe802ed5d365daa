"""
The store of another pair, as its server hands it out.
"""

from __future__ import annotations

import http.client
import io
import socket
import time

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from listener.copies.place import Gone, PlaceFault
from recommender.manifest import SegmentRef
from recommender.store import LARGEST_POINTER


ANSWER_S: Final = 10.0  # of silence
LEAST_PER_S: Final = 1 << 18  # bytes; what is slower than that is no help
PIECE: Final = 1 << 18  # bytes, at most

TOO_SLOW: Final = "it sends too slowly"


class Neighbour:
    """
    See `Place`.
    """

    def __init__(self, address: str, key: str = "") -> None:
        """
        Ask the server at an address.

        Args:
            address: Such as "http://10.0.0.2:5002".
            key: An admin key of that server, if it wants one.
        """
        self.name = address
        self._parts = urlsplit(address)
        self._key = key

    def read_manifest(self) -> bytes:
        """
        Return what a crash of the neighbour's listener would fall back to: of all that
        it has, that knows best how far it is.
        """
        with self._asked("/v1/store/manifest") as answer:
            content = answer.read(LARGEST_POINTER + 1)
        if len(content) > LARGEST_POINTER:
            msg = "its manifest is larger than one can be"
            raise PlaceFault(msg)
        return content

    def read_segment(self, ref: SegmentRef) -> Iterator[bytes]:
        """
        Yield a segment's file.
        """
        with self._asked(f"/v1/store/segments/{ref.name}") as answer:
            while piece := answer.read1(PIECE):
                yield piece

    @contextmanager
    def _asked(self, path: str) -> Iterator[http.client.HTTPResponse]:
        is_secret = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if is_secret else http.client.HTTPConnection
        connection = kind(
            self._parts.hostname or "", self._parts.port, timeout=ANSWER_S
        )
        connection.response_class = _Answer
        # as bytes: a key may be of any letters
        token = f"Bearer {self._key}".encode()
        headers = {"Authorization": token} if self._key else {}
        try:
            connection.request(
                "GET", self._parts.path.rstrip("/") + path, None, headers
            )
            answer = connection.getresponse()
            if answer.status != HTTPStatus.OK:
                raise _to_fault(path, answer.status)
            yield answer
        except (OSError, http.client.HTTPException) as error:
            msg = f"{type(error).__name__}: {error}"
            raise PlaceFault(msg) from error
        finally:
            connection.close()


class _Answer(http.client.HTTPResponse):
    """
    One whose head and body come at the least rate, or not at all.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Paced(sock, self.fp.detach()))


class _Paced(io.RawIOBase):
    """
    What a socket brings, as long as it brings `LEAST_PER_S`.

    It may be waited for `ANSWER_S` in all: waiting takes of that, what comes gives back,
    and it is never more. So N bytes take no longer than `ANSWER_S + N / LEAST_PER_S`.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket = sock
        self._raw = raw
        self._left_s = ANSWER_S

    def readable(self) -> bool:
        """
        Return that it is.
        """
        return True

    def readinto(self, buffer: Any) -> int:
        """
        Fill *buffer* with what comes next; return how many bytes, 0 at the end.

        Raises:
            TimeoutError: It is too slow.
        """
        if self._left_s <= 0:
            raise TimeoutError(TOO_SLOW)
        self._socket.settimeout(self._left_s)
        asked = time.monotonic()
        count = self._raw.readinto(buffer) or 0
        took_s = time.monotonic() - asked
        self._left_s = min(ANSWER_S, self._left_s - took_s + count / LEAST_PER_S)
        return count

    def close(self) -> None:
        """
        Let go of the socket.
        """
        self._raw.close()
        super().close()


def _to_fault(path: str, status: int) -> PlaceFault:
    kind = Gone if status == HTTPStatus.NOT_FOUND else PlaceFault
    return kind(f"{path} is answered with {status}")
