"""
Doing what must be done, whatever breaks meanwhile.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from typing import Final, TypeVar

from pymongo.errors import PyMongoError

from tests.chaos.writers import is_excused


T = TypeVar("T")

INSIST_S: Final = 120.0
AGAIN_S: Final = 0.2


def insist(action: Callable[[], T]) -> T:
    """
    Return what *action* returns, tried until no fault hinders it.

    Raises:
        PyMongoError: It failed in a way that no fault explains, or too long.
    """
    deadline = time.monotonic() + INSIST_S
    while True:
        try:
            return action()
        except PyMongoError as error:
            if not is_excused(error) or time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_S)
