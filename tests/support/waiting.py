"""
Waiting for something to become true, but not for ever.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from typing import TypeVar


T = TypeVar("T")

POLL_S = 0.005


def wait_for(
    ask: Callable[[], T | None], *, timeout_s: float = 60.0, what: str = "it"
) -> T:
    """
    Return the first true thing that *ask* returns.

    An `AssertionError` of *ask* counts as false, and is shown when time runs out.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        last: object = None
        try:
            answer = ask()
            if answer:
                return answer
            last = answer
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            msg = f"{what} did not come within {timeout_s} s: {last!r}"
            raise TimeoutError(msg)
        time.sleep(POLL_S)
