"""
How long answers take, asked at an even pace by a process that does nothing else; and
beside each, how long a bare server takes to answer, which tells how busy the machine is.
"""

from __future__ import annotations

import itertools
import time

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Final, NamedTuple

from benchmarks.bare_server import PATH, bare_server
from benchmarks.children import beside
from benchmarks.connection import Connection
from benchmarks.zipf import Popularity


PER_S: Final = 20.0
DRAWN: Final = 100_000
SEED: Final = 4
AGAIN_S: Final = 0.1  # after a connection that failed


BODY: Final = b"{}" * 2_000  # about as long as an answer


class Taken(NamedTuple):
    """
    The seconds that answers took, one after the other.
    """

    ours: list[float]
    bare: list[float]


class Prober:
    """
    The end of the pipe at which the answers' times arrive.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def take(self) -> Taken:
        """
        Return what answers took since this was last called.

        Raises:
            EOFError: The process has ended.
        """
        self._pipe.send("?")
        return Taken(*self._pipe.recv())


@contextmanager
def probing(port: int, paths: Sequence[str], per_s: float = PER_S) -> Iterator[Prober]:
    """
    Ask for *paths*, by Zipf's law, until the context ends.
    """
    with (
        bare_server(BODY) as bare,
        beside(_probe, port, bare.port, paths, per_s) as pipe,
    ):
        yield Prober(pipe)


def _probe(
    pipe: Pipe, port: int, bare_port: int, paths: Sequence[str], per_s: float
) -> None:
    following = itertools.cycle(Popularity(paths, SEED).draw(DRAWN))
    taken = Taken([], [])
    while True:
        try:
            with Connection(port) as ours, Connection(bare_port) as bare:
                _ask(pipe, (ours, bare), following, per_s, taken)
        except OSError:  # the server is being started again
            _tell(pipe, taken)
            time.sleep(AGAIN_S)


def _ask(
    pipe: Pipe,
    connections: tuple[Connection, Connection],
    following: Iterator[str],
    per_s: float,
    taken: Taken,
) -> None:
    ours, bare = connections
    due = time.perf_counter()
    while True:
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        taken.ours.append(_took_s(ours, next(following)))
        taken.bare.append(_took_s(bare, PATH))
        due = max(due + 1 / per_s, began)
        _tell(pipe, taken)


def _took_s(connection: Connection, path: str) -> float:
    began = time.perf_counter()
    connection.get(path)
    return time.perf_counter() - began


def _tell(pipe: Pipe, taken: Taken) -> None:
    if pipe.poll():
        pipe.recv()
        pipe.send(tuple(taken))
        for times in taken:
            times.clear()
