"""
How far the model has followed the database, and what the listener is doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ClusterTime(NamedTuple):
    """
    The database's own logical time, ordered: Unix seconds, then a counter.
    """

    seconds: int
    increment: int

    def to_text(self) -> str:
        """
        Return it as logs and answers show it, "seconds:increment".
        """
        return f"{self.seconds}:{self.increment}"


class State(StrEnum):
    """
    What the listener is doing; drawn in docs/states.md.
    """

    STARTING = "starting"
    SCANNING = "scanning"
    CATCHING_UP = "catching_up"
    FOLLOWING = "following"
    RETRYING = "retrying"
    REBUILDING = "rebuilding"
    FAILED = "failed"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Position:
    """
    What the listener last knew; written beside the model at least each second.

    Attributes:
        state: What the listener is doing.
        reason: Why it is in that state; empty while following.
        generation: The newest published generation, 0 when there is none.
        as_of: Every write acknowledged at or before this is in that generation.
        read_time: The database's time of the last completed read.
        written_at_s: Unix time of this record, by the listener's clock.
    """

    state: State
    reason: str
    generation: int
    as_of: ClusterTime
    read_time: ClusterTime
    written_at_s: float


def to_reason(value: object) -> str:
    """
    Return a position's reason, which answers tell in a header.

    Raises:
        ValueError: It is not printable ASCII.
    """
    reason = str(value)
    if not (reason.isascii() and reason.isprintable()):
        msg = "a reason is printable ASCII"
        raise ValueError(msg)
    return reason
