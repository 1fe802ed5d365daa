"""
As many requests as a server will answer, from a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, cast

import uvloop

from benchmarks.connection import END, LOOPBACK, answer_length, to_request


CONNECTIONS: Final = 16
GOOD: Final = b" 200 "


class Driven(NamedTuple):
    """
    What came back.

    Attributes:
        answers: How many.
        errors: How many of them were not 200.
        body_bytes: Of all bodies.
    """

    answers: int
    errors: int
    body_bytes: int


def drive(port: int, paths: Sequence[str], seconds: float) -> Driven:
    """
    Ask for *paths*, over and over, on several connections for so long.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_drive(port, paths, seconds))


async def _drive(port: int, paths: Sequence[str], seconds: float) -> Driven:
    requests = itertools.cycle([to_request(path) for path in paths])
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(requests), LOOPBACK, port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    for client in clients:
        client.stop()
    return Driven(
        sum(client.answers for client in clients),
        sum(client.errors for client in clients),
        sum(client.body_bytes for client in clients),
    )


class _Client(asyncio.Protocol):
    """
    Asks again as soon as it is answered.
    """

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.answers = self.errors = self.body_bytes = 0
        self._requests = requests
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data
        end = received.find(END)
        if end < 0:
            return
        length = answer_length(received[: end + 2])
        if len(received) < end + len(END) + length:
            return
        self.answers += 1
        self.errors += GOOD not in received[:16]
        self.body_bytes += length
        self._received = b""
        if self._transport is not None:
            self._transport.write(next(self._requests))

    def stop(self) -> None:
        """
        Ask no more.
        """
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
