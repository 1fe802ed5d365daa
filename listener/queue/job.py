"""
What a job may ask for, and when it is done.
"""

from __future__ import annotations

import math

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


HOUR_MS: Final = 3_600_000


class Kind(StrEnum):
    """
    What there is to do; the names of jobs.
    """

    RETRAIN = "retrain"  # publish all that was written before
    RESYNC = "resync"  # train from scratch, aside, and publish
    VERIFY = "verify"  # compare what is served with the collection


@dataclass(frozen=True, slots=True)
class Past:
    """
    What is known of earlier runs of one kind.

    Attributes:
        began_ms: When the last one began, by the queue's clock; 0: never.
        covers: The number of the last job that was added before the last run that went
            well began; 0: there was none.
        result: What that run came to.
        covers_ms: When it began.
    """

    began_ms: int = 0
    covers: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    covers_ms: int = 0

    def answers(self, number: int, due_ms: int = 0) -> bool:
        """
        Return whether that run began after a job was added and its delay was over, so
        that what it came to is an answer for that job, too.

        Args:
            number: Of the job: jobs are numbered as they are added, from 1.
            due_ms: When it was to be done at the earliest; 0: it has no delay.
        """
        return number <= self.covers and due_ms <= self.covers_ms

    def wait_ms(self, now_ms: int, per_hour: int) -> int:
        """
        Return how long the next run has to wait, for there to be at most *per_hour* in
        any hour, at even distances; 0: it may begin. A *per_hour* of 0 is any number.
        """
        if not (per_hour and self.began_ms):
            return 0
        distance_ms = math.ceil(HOUR_MS / per_hour)
        passed_ms = now_ms - self.began_ms
        if passed_ms < -distance_ms:  # a clock that was far ahead has been set right
            return 0
        return max(distance_ms - max(passed_ms, 0), 0)
