"""
What every way of following a database must wait for: the change event itself.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final

from pymongo import MongoClient

from benchmarks.catalogue import Document
from benchmarks.children import beside


EVENT_S: Final = 60.0


class BareStream:
    """
    A plain change stream, in a process of its own.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def next_at(self) -> float:
        """
        Return when the next event was there, by the monotonic clock.

        Raises:
            TimeoutError: None came.
        """
        if not self._pipe.poll(EVENT_S):
            msg = f"no event in {EVENT_S:g} s"
            raise TimeoutError(msg)
        return float(self._pipe.recv())


@contextmanager
def bare_stream(uri: str, collection: str, every: int = 1) -> Iterator[BareStream]:
    """
    Yield a stream that is open.

    Args:
        every: Of how many events the time of the last is told.
    """
    with beside(_follow, uri, collection, every) as pipe:
        pipe.recv()
        yield BareStream(pipe)


def _follow(pipe: Connection, uri: str, collection: str, every: int) -> None:
    client = MongoClient[Document](uri)
    with client.get_default_database()[collection].watch() as stream:
        pipe.send("open")
        for number, _ in enumerate(stream, 1):
            if number % every == 0:
                pipe.send(time.monotonic())
