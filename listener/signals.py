"""
Stopping when asked: once gracefully, twice at once.
"""

from __future__ import annotations

import os
import signal
import time

from collections.abc import Callable
from types import FrameType
from typing import Final


STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
STEP_S: Final = 0.05
NOW: Final = 128 + signal.SIGTERM  # the exit code of a stop that did not wait


class Stop:
    """
    Whether the process has been asked to stop.

    A plain flag: a signal may come while the same thread holds any lock.

    Attributes:
        is_over: Whether something else begins instead, see `Round`.
    """

    is_over = False

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        """
        Return whether it was asked to.
        """
        return self._is_set

    def set(self) -> None:
        """
        Ask it to.
        """
        self._is_set = True

    def wait(self, timeout_s: float) -> bool:
        """
        Wait for it, but not longer than *timeout_s*; return whether it was asked to.
        """
        end = time.monotonic() + timeout_s
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, STEP_S))
        return self.is_set()


class Part(Stop):
    """
    One of several things that a process does, whatever comes of the others: it ends by
    itself, or with the process.
    """

    def __init__(self, process: Stop) -> None:
        super().__init__()
        self._process = process

    def is_set(self) -> bool:
        """
        Return whether it is to end.
        """
        return super().is_set() or self._process.is_set()


class Round(Stop):
    """
    One of several things that a process does one after the other until it is asked to
    stop: it ends also when the next is to begin.
    """

    def __init__(self, process: Stop) -> None:
        super().__init__()
        self._process = process

    def is_set(self) -> bool:
        """
        Return whether it is to end.
        """
        return self.is_over or self._process.is_set()

    def set(self) -> None:
        """
        Ask the process to stop.
        """
        self._process.set()

    def end(self) -> None:
        """
        Let the next begin.
        """
        self.is_over = True


def interrupt_on_signals() -> None:
    """
    Raise `KeyboardInterrupt` in the main thread at the first signal, wherever it is;
    end the process at the second. For programs that have nothing to finish.
    """
    stop = Stop()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(NOW)
        stop.set()
        raise KeyboardInterrupt

    _handle_signals(handle)


def stop_on_signals(stop: Stop) -> None:
    """
    Set *stop* at the first signal; end the process at the second.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(NOW)
        stop.set()

    _handle_signals(handle)


def _handle_signals(handle: Callable[[int, FrameType | None], None]) -> None:
    for number in STOPPING:
        signal.signal(number, handle)
