"""
What to try first, told once the server answers.
"""

from __future__ import annotations

import http.client
import sys

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from listener.keys import to_key
from recommender.address import to_address


CANDIDATES: Final = 20  # products that are asked for until one has neighbours
LIMIT: Final = 3
STALE_S: Final = 15.0  # a server starts sooner than the listener that feeds it
PATIENCE_S: Final = 0.5  # a look must not hold up what it is part of
_WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@dataclass(frozen=True, slots=True)
class Site:
    """
    Where the server is to be found.
    """

    host: str
    port: int

    @property
    def address(self) -> str:
        """
        Its URL, for a browser on this machine.
        """
        host = _WILDCARDS.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def get(self, path: str) -> tuple[int, bytes]:
        """
        Return status and body of an answer; 0 and nothing when there is none.
        """
        host = _WILDCARDS.get(self.host, self.host)
        connection = http.client.HTTPConnection(host, self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """
        Return whether the server has a model to answer from, however old.
        """
        return self.get("/health/ready")[0] == HTTPStatus.OK

    def is_fresh(self) -> bool:
        """
        Return whether that model is up to date, and kept so.
        """
        status, body = self.get("/v1/model")
        return status == HTTPStatus.OK and not orjson.loads(body)["stale"]


class Greeter:
    """
    Says once where the server is, with a request that has an answer.
    """

    def __init__(self, site: Site, uri: str, database: str, collection: str) -> None:
        """
        Args:
            site: The server.
            uri: The database, from which a few products are read.
            database: Its name, unless the address names one.
            collection: Where the products are.
        """
        self._site = site
        self._products = (uri, database, collection)
        self._ready_at: float | None = None
        self._is_done = False

    def greet_when_ready(self, now: float) -> None:
        """
        Print the greeting, once, if the server answers from a fresh model; or, `STALE_S`
        after it was ready, from whatever it has.
        """
        if self._is_done:
            return
        if self._ready_at is None and self._site.is_ready():
            self._ready_at = now
        if self._ready_at is None:
            return
        if now - self._ready_at < STALE_S and not self._site.is_fresh():
            return
        self._is_done = True
        sys.stdout.write("\n".join(["", *self._lines(), "", ""]))
        sys.stdout.flush()

    def _lines(self) -> Iterator[str]:
        for name, path in _products(*self._products):
            status, body = self._site.get(path)
            if status == HTTPStatus.OK and orjson.loads(body)["items"]:
                yield f"  What is like “{name}”?"
                yield f"    curl '{self._site.address}{path}'"
                break
        yield f"  Evershelf is ready: {self._site.address}/ui/"


def _products(uri: str, database: str, collection: str) -> Iterator[tuple[str, str]]:
    try:
        with _connect(uri) as client:
            products = client.get_default_database(database)[collection]
            for found in products.find(limit=CANDIDATES):
                address = to_address(to_key(found["_id"]))
                path = f"/v1/products/{address}/similar?limit={LIMIT}"
                yield str(found.get("name", address)), path
    except PyMongoError:
        return  # the listener says what is wrong with the database


def _connect(uri: str) -> MongoClient[dict[str, Any]]:
    patience_ms = int(PATIENCE_S * 1000)
    return MongoClient(uri, serverSelectionTimeoutMS=patience_ms)
