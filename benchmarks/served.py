"""
From sending a write until an answer shows it.
"""

from __future__ import annotations

import time

from typing import Final

from benchmarks.connection import Connection
from benchmarks.seller import Change
from benchmarks.shop import Shop


# Between two looks, so that looking does not take the processor from what is watched.
LOOK_S: Final = 0.0002
LONGEST_S: Final = 60.0


def until_served(
    connection: Connection, change: Change, longest_s: float = LONGEST_S
) -> float:
    """
    Send *change*; return after how many seconds an answer showed it.

    The product's own address is asked: all addresses answer from one model, and this
    one costs the server least.

    Raises:
        TimeoutError: No answer ever did.
    """
    path = Shop.product_path(change.id)
    started = time.monotonic()
    change.send()
    while time.monotonic() - started < longest_s:
        if change.is_shown(connection.get(path)):
            return time.monotonic() - started
        time.sleep(LOOK_S)
    msg = f"{path} did not change in {longest_s:g} s"
    raise TimeoutError(msg)
