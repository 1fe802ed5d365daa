"""
A seller who writes in the background.
"""

from __future__ import annotations

import threading

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.shop import Seller


@contextmanager
def selling(seller: Seller, *, every_s: float = 0.002) -> Iterator[None]:
    """
    Write in the background for as long as the context lasts.
    """
    done = threading.Event()

    def sell() -> None:
        while not done.wait(every_s):
            seller.write()

    thread = threading.Thread(target=sell)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
