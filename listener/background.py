"""
Work beside the loop, in a thread of its own.
"""

from __future__ import annotations

import threading

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar


T = TypeVar("T")


def in_background(work: Callable[[], T], name: str) -> Future[T]:
    """
    Do *work* in a thread, called *name*, that never keeps the process from ending.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 whoever asks for it gets it
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
