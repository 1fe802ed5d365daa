"""
The control port of a running listener, from another process.
"""

from __future__ import annotations

import http.client

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson

from listener.errors import ListenerError


LOOPBACK: Final = "127.0.0.1"
ANSWER_S: Final = 5.0  # its thread does nothing that takes long, but to train
TRAIN_S: Final = 660.0  # it gives up after ten minutes by itself
NO_ORDERS: Final = "it follows no orders; are its settings others?"


class NoListener(ListenerError):  # noqa: N818
    """
    No listener answers there as one would.
    """


@dataclass(frozen=True, slots=True)
class Published:
    """
    What was published.

    Attributes:
        generation: Its number.
        products: In it, or orders.
    """

    generation: int
    products: int


@dataclass(frozen=True, slots=True)
class Health:
    """
    What a listener says of itself.

    Attributes:
        state: What it does.
        reason: Why.
        generation: That it has published last; 0: none.
        products: In that, or orders.
        scanned: How many documents a scan under way has read.
        to_scan: About how many there are; 0 while there is no scan.
    """

    state: str
    reason: str
    generation: int
    products: int
    scanned: int
    to_scan: int


@dataclass(frozen=True, slots=True)
class Remote:
    """
    A listener on this machine. Any thread may ask.

    Attributes:
        port: Of its control.
        key: An admin key, if it wants one.
        followed: Which of the models is asked about.
    """

    port: int
    key: str = ""
    followed: Literal["products", "orders"] = "products"

    def of_orders(self) -> Remote:
        """
        Return how to ask it about the orders.
        """
        return replace(self, followed="orders")

    def silence_s(self) -> float:
        """
        Return how long ago its loop last turned.

        Raises:
            NoListener: Nobody answers.
        """
        _, content = self._ask("GET", "/health/live", ANSWER_S)
        return _number(content, "silence_s")

    def health(self) -> Health:
        """
        Return what it does.

        Raises:
            NoListener: Nobody answers, or not to us, or it follows no orders.
        """
        content = self._must("GET", "/", ANSWER_S)
        if self.followed == "orders":
            content = content.get("orders") or {}
            if not content:
                raise NoListener(NO_ORDERS)
        scan = content.get("scan") or {}
        return Health(
            state=str(content.get("state", "")),
            reason=str(content.get("reason", "")),
            generation=int(_number(content, "generation")),
            products=int(_number(content, f"{self.followed}_count")),
            scanned=int(scan.get("done", 0)),
            to_scan=int(scan.get("total", 0)),
        )

    def train(self) -> Published:
        """
        Have the model trained from scratch; return the generation that holds it.

        Raises:
            NoListener: Nobody answers, or it came to nothing.
        """
        return self._published("?full=1")

    def catch_up(self) -> Published:
        """
        Wait until all that was written before is published; return the generation that
        holds it.

        Raises:
            NoListener: Nobody answers, or it came to nothing.
        """
        return self._published()

    def _published(self, query: str = "") -> Published:
        door = "/train" if self.followed == "products" else "/orders/train"
        content = self._must("POST", door + query, TRAIN_S)
        return Published(
            generation=int(_number(content, "generation")),
            products=int(_number(content, f"{self.followed}_count")),
        )

    def _must(self, method: str, path: str, timeout_s: float) -> Mapping[str, Any]:
        status, content = self._ask(method, path, timeout_s)
        if status != HTTPStatus.OK:
            raise NoListener(str(content.get("detail") or f"it answers with {status}"))
        return content

    def _ask(
        self, method: str, path: str, timeout_s: float
    ) -> tuple[int, Mapping[str, Any]]:
        # as bytes: a key may be of any letters
        token = f"Bearer {self.key}".encode()
        headers = {"Authorization": token} if self.key else {}
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=timeout_s)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            content = orjson.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            msg = f"{type(error).__name__}: {error}"
            raise NoListener(msg) from error
        finally:
            connection.close()
        return response.status, content if isinstance(content, dict) else {}


def _number(content: Mapping[str, Any], name: str) -> float:
    value = content.get(name)
    if not isinstance(value, int | float):
        msg = f"what answers is no listener: it does not say {name}"
        raise NoListener(msg)
    return value
