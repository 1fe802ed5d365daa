"""
The store of another pair, as its server hands it out.
"""

from __future__ import annotations

import http.client

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from listener.copies.place import Gone, PlaceFault
from recommender.manifest import SegmentRef
from recommender.store import LARGEST_POINTER


ANSWER_S: Final = 10.0  # for each piece; what is slower than that is no help
PIECE: Final = 1 << 20  # bytes


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
            while piece := answer.read(PIECE):
                yield piece

    @contextmanager
    def _asked(self, path: str) -> Iterator[http.client.HTTPResponse]:
        is_secret = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if is_secret else http.client.HTTPConnection
        connection = kind(
            self._parts.hostname or "", self._parts.port, timeout=ANSWER_S
        )
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
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


def _to_fault(path: str, status: int) -> PlaceFault:
    kind = Gone if status == HTTPStatus.NOT_FOUND else PlaceFault
    return kind(f"{path} is answered with {status}")
