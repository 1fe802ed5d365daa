"""
How fresh an answer is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recommender.position import ClusterTime, Position, State
from recommender.snapshot import Snapshot
from server.loader import Served, to_as_of


SILENT_S: Final = 5.0  # the listener speaks each second; five missed are no accident

LISTENER_ABSENT: Final = "listener_absent"
LISTENER_SILENT: Final = "listener_silent"
NEWEST_UNREADABLE: Final = "newest_unreadable"


@dataclass(frozen=True, slots=True)
class Freshness:
    """
    What an answer says of the model it comes from.

    Attributes:
        generation: The model's number.
        as_of: Every write acknowledged at or before this is in the answer.
        lag_ms: By how much `as_of` is behind the database's time of the listener's
            last completed read; in steps of 1000. None when no listener has spoken.
        reason: Why newer writes may be missing without a listener catching up with
            them soon; empty when there is no reason to think so.
        reached: Whether the moment is in that the caller has waited for; None when
            it has waited for none.
    """

    generation: int
    as_of: ClusterTime
    lag_ms: int | None
    reason: str
    reached: bool | None = None

    @property
    def stale(self) -> bool:
        """
        Whether there is a reason.
        """
        return bool(self.reason)


def freshness(
    snapshot: Snapshot,
    served: Served,
    now_s: float,
    *,
    is_reached: bool | None = None,
) -> Freshness:
    """
    Return how fresh answers from *snapshot* are.

    Args:
        served: Where it was taken from.
        now_s: Unix time, by the clock of the listener's host.
        is_reached: Whether it has what the caller has waited for, if for anything.
    """
    as_of = to_as_of(snapshot, served)
    return Freshness(
        snapshot.generation,
        as_of,
        None if served.position is None else _lag_ms(served.position, as_of),
        stale_reason(served, now_s),
        is_reached,
    )


def stale_reason(served: Served, now_s: float) -> str:
    """
    Return why newer writes may be missing; empty when they are on their way.
    """
    position = served.position
    if position is None:
        return LISTENER_ABSENT
    # A time ahead of the clock is a wrong one: the clock was set back meanwhile.
    if abs(now_s - position.written_at_s) > SILENT_S:
        return LISTENER_SILENT
    if position.state is not State.FOLLOWING:
        return position.reason or position.state.value
    return NEWEST_UNREADABLE if served.fault else ""


def _lag_ms(position: Position, as_of: ClusterTime) -> int:
    return max(0, position.read_time.seconds - as_of.seconds) * 1000
