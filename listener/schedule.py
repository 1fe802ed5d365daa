"""
When to publish.

A publication takes about a millisecond, so by default one follows each change at
once; under load, or where an operator wants one retrain for many updates, it waits
for a quiet moment, but never longer than the policy allows.
"""

from __future__ import annotations

import math

from dataclasses import dataclass
from typing import Final


RETRY_S: Final = 1.0  # a disk that is full now is still full in a millisecond


@dataclass(frozen=True, slots=True)
class Policy:
    """
    How fresh the published model is kept, and how seldom it is replaced.

    Attributes:
        quiet_s: Publish when nothing has changed for so long; 0: as soon as nothing
            more is waiting.
        min_interval_s: Least time between two publications.
        max_staleness_s: Longest time a change may wait to be published.
    """

    quiet_s: float
    min_interval_s: float
    max_staleness_s: float


class Schedule:
    """
    Say whether a publication is due. It is told the time and reads no clock.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._waiting_since: float | None = None
        self._changed_at = -math.inf
        self._published_at = -math.inf
        self._failed_at = -math.inf

    def note_change(self, now: float) -> None:
        """
        Record that the index now holds a change that is not published.
        """
        if self._waiting_since is None:
            self._waiting_since = now
        self._changed_at = now

    def note_demand(self) -> None:
        """
        Record that a publication is wanted for another reason than a change: it waits
        neither for a quiet moment nor for its turn.
        """
        self._waiting_since = -math.inf

    def note_publication(self, now: float) -> None:
        """
        Record that everything the index holds is published.
        """
        self._waiting_since = None
        self._published_at = now

    def note_failure(self, now: float) -> None:
        """
        Record that a publication was tried in vain: it is due again in `RETRY_S`.
        """
        self._failed_at = now

    @property
    def is_waiting(self) -> bool:
        """
        Whether the index holds a change that is not published.
        """
        return self._waiting_since is not None

    def is_due(self, now: float, *, idle: bool) -> bool:
        """
        Return whether to publish now.

        Args:
            now: The time, on the same clock as every other call.
            idle: Whether nothing more is waiting to be applied.
        """
        if self._waiting_since is None or now < self._failed_at + RETRY_S:
            return False
        if now >= self._waiting_since + self._policy.max_staleness_s:
            return True
        return idle and now >= self._quiet_at

    def wait_s(self, now: float) -> float:
        """
        Return in how many seconds a publication is due if nothing more changes;
        infinite when nothing waits.
        """
        if self._waiting_since is None:
            return math.inf
        latest = self._waiting_since + self._policy.max_staleness_s
        due_at = max(min(self._quiet_at, latest), self._failed_at + RETRY_S)
        return max(due_at - now, 0.0)

    @property
    def _quiet_at(self) -> float:
        return max(
            self._changed_at + self._policy.quiet_s,
            self._published_at + self._policy.min_interval_s,
        )
