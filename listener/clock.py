"""
The time, passed in so that tests can set it.
"""

from __future__ import annotations

import time

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """
    Two clocks, in seconds.

    Attributes:
        monotonic: For intervals; never goes back.
        wall: Unix time, for records.
    """

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
