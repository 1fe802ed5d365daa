"""
How long answers take, asked at an even pace by a process that does nothing else.
"""

from __future__ import annotations

import itertools
import time

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.children import beside
from benchmarks.connection import Connection
from benchmarks.zipf import Popularity


PER_S: Final = 20.0
DRAWN: Final = 100_000
SEED: Final = 4
AGAIN_S: Final = 0.1  # after a connection that failed


class Prober:
    """
    The end of the pipe at which the answers' times arrive.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def take(self) -> list[float]:
        """
        Return the seconds that each answer took since this was last called.

        Raises:
            EOFError: The process has ended.
        """
        self._pipe.send("?")
        return list(self._pipe.recv())


@contextmanager
def probing(port: int, paths: Sequence[str], per_s: float = PER_S) -> Iterator[Prober]:
    """
    Ask for *paths*, by Zipf's law, until the context ends.
    """
    with beside(_probe, port, paths, per_s) as pipe:
        yield Prober(pipe)


def _probe(pipe: Pipe, port: int, paths: Sequence[str], per_s: float) -> None:
    following = itertools.cycle(Popularity(paths, SEED).draw(DRAWN))
    taken: list[float] = []
    while True:
        try:
            with Connection(port) as connection:
                _ask(pipe, connection, following, per_s, taken)
        except OSError:  # the server is being started again
            _tell(pipe, taken)
            time.sleep(AGAIN_S)


def _ask(
    pipe: Pipe,
    connection: Connection,
    following: Iterator[str],
    per_s: float,
    taken: list[float],
) -> None:
    due = time.perf_counter()
    while True:
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        connection.get(next(following))
        taken.append(time.perf_counter() - began)
        due = max(due + 1 / per_s, began)
        _tell(pipe, taken)


def _tell(pipe: Pipe, taken: list[float]) -> None:
    if pipe.poll():
        pipe.recv()
        pipe.send(taken)
        taken.clear()
