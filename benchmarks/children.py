"""
Work in other processes, so that measuring does not slow down what is measured.
"""

from __future__ import annotations

import multiprocessing

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final, ParamSpec, TypeVar


P = ParamSpec("P")
T = TypeVar("T")

SPAWN: Final = multiprocessing.get_context("spawn")
ENDING_S: Final = 5.0


def in_another_process(
    function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """
    Return what *function* returns when a fresh process calls it.
    """
    with ProcessPoolExecutor(1, SPAWN) as pool:
        return pool.submit(function, *args, **kwargs).result()


@contextmanager
def beside(function: Callable[..., None], *args: Any) -> Iterator[Connection]:
    """
    Let another process call *function*, meanwhile; yield the other end of the pipe
    that it gets as its first argument. It is ended afterwards.
    """
    mine, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=function, args=(theirs, *args), daemon=True)
    process.start()
    theirs.close()
    try:
        yield mine
    finally:
        _end(process)
        mine.close()


def _end(process: SpawnProcess) -> None:
    process.terminate()
    process.join(ENDING_S)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
