"""
When a server begins to answer.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from benchmarks.connection import Connection


POLL_S: Final = 0.002
LONGEST_S: Final = 3600.0


def await_answer(port: int, path: str, is_alive: Callable[[], bool]) -> float:
    """
    Return after how many seconds *path* was first answered with 200.

    Raises:
        TimeoutError: It never was, or who should answer is not alive any more.
    """
    started = time.monotonic()
    while time.monotonic() - started < LONGEST_S and is_alive():
        if _is_answered(port, path):
            return time.monotonic() - started
        time.sleep(POLL_S)
    msg = f"no answer in {time.monotonic() - started:.0f} s"
    raise TimeoutError(msg)


def _is_answered(port: int, path: str) -> bool:
    try:
        with Connection(port) as connection:
            return connection.get(path).status == HTTPStatus.OK
    except OSError:
        return False
