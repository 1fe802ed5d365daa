"""
Work beside the loop, in a thread of its own.
"""

from __future__ import annotations

import contextvars
import threading

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar


T = TypeVar("T")


def in_background(work: Callable[[], T], name: str) -> Future[T]:
    """
    Do *work* in a thread, called *name*, that never keeps the process from ending; what
    every line of the caller's log says, its lines say, too.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 whoever asks for it gets it
            future.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=[run], name=name, daemon=True).start()
    return future
