"""
Whether the model is without what the database is known to have.

A stream may be open and say nothing: while a majority of the members is away, or
while the member that it is read from does not keep up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recommender.position import ClusterTime


BEHIND: Final = "behind"
# What was there so long ago and is not in yet is late. Most is in after milliseconds,
# but a quiet shard lets a router's stream go on only each ten seconds.
LATE_S: Final = 12.0
NOTHING: Final = ClusterTime(0, 0)


@dataclass(slots=True)
class Lag:
    """
    Waits for what the database has. It is told the time and reads no clock.
    """

    _awaited: ClusterTime = NOTHING
    _since: float = 0.0

    def note(self, as_of: ClusterTime, read_time: ClusterTime, now: float) -> None:
        """
        Record how far the model and the database are.

        Args:
            as_of: Every write up to here is in the model.
            read_time: The database's time of its last answer.
            now: The time, on the same clock as every other call.
        """
        if as_of >= self._awaited:
            self._awaited, self._since = read_time, now

    def is_late(self, as_of: ClusterTime, now: float) -> bool:
        """
        Say whether something has been awaited for too long.
        """
        return as_of < self._awaited and now - self._since >= LATE_S

    def forget(self) -> None:
        """
        Await nothing: of another stream, or another database, nothing is known yet.
        """
        self._awaited = NOTHING
