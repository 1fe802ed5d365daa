"""
A steady load, from processes of its own.
"""

from __future__ import annotations

import itertools
import time

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Final

from pymongo import MongoClient

from benchmarks.catalogue import Document, generate_new
from benchmarks.children import beside
from benchmarks.connection import Connection
from benchmarks.seller import Seller
from benchmarks.shop import PRODUCTS
from benchmarks.zipf import Popularity


LONGEST_BEHIND_S: Final = 0.5  # what is later than this is not caught up


@contextmanager
def steady_writes(
    uri: str, ids: Sequence[object], per_s: float, seed: int
) -> Iterator[Pipe]:
    """
    Write as shops do, *per_s* times a second, until the context ends; the pipe that is
    yielded tells how often so far.

    Args:
        seed: Of its own for each writer in a shop.
    """
    with beside(_write, uri, ids, per_s, seed) as pipe:
        pipe.recv()
        yield pipe


@contextmanager
def steady_reads(port: int, paths: Sequence[str], per_s: float) -> Iterator[Pipe]:
    """
    Ask for *paths*, likewise.
    """
    with beside(_read, port, paths, per_s) as pipe:
        pipe.recv()
        yield pipe


def done_so_far(pipe: Pipe) -> int:
    """
    Return how often the other end has done its work.

    Raises:
        EOFError: It could not, and has ended.
    """
    pipe.send("?")
    return int(pipe.recv())


def _write(
    pipe: Pipe, uri: str, ids: Sequence[object], per_s: float, seed: int
) -> None:
    client = MongoClient[Document](uri)
    products = client.get_default_database()[PRODUCTS]
    seller = Seller(products, ids, generate_new(seed), seed)
    _repeat(pipe, per_s, lambda: seller.any_change().send())


def _read(pipe: Pipe, port: int, paths: Sequence[str], per_s: float) -> None:
    following = itertools.cycle(Popularity(paths, seed=3).draw(20_000))
    with Connection(port) as connection:
        _repeat(pipe, per_s, lambda: connection.get(next(following)))


def _repeat(pipe: Pipe, per_s: float, do: Callable[[], object]) -> None:
    """
    Do it at even intervals, whether or not the last time took longer.
    """
    pipe.send("ready")
    due = time.monotonic()
    for number in itertools.count():
        time.sleep(max(0.0, due - time.monotonic()))
        do()
        due = max(due + 1 / per_s, time.monotonic() - LONGEST_BEHIND_S)
        if pipe.poll():
            pipe.recv()
            pipe.send(number + 1)
