"""
The position file: how servers know that the listener lives, and how far it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from listener.clock import Clock
from listener.status import Status
from listener.trouble import Trouble
from recommender.position import Position
from recommender.store import Store


EVERY_S: Final = 1.0  # servers take five times this for silence
MOVED_S: Final = 0.1  # but not more often than this, but for a change of state


class Beacon:
    """
    Writes the position when it is worth saying.
    """

    def __init__(self, store: Store, status: Status, clock: Clock) -> None:
        self._store = store
        self._status = status
        self._clock = clock
        self._said: Position | None = None
        self._said_at = clock.monotonic()
        self._trouble = Trouble("position")

    def tend(self) -> None:
        """
        Write the position if it is due.
        """
        position = self._position()
        if self._is_due(position):
            self._write(position)

    def _is_due(self, position: Position) -> bool:
        said = self._said
        if said is None or (position.state, position.reason) != (
            said.state,
            said.reason,
        ):
            return True
        age_s = self._clock.monotonic() - self._said_at
        is_same = position == replace(said, written_at_s=position.written_at_s)
        return age_s >= (EVERY_S if is_same else MOVED_S)

    def _write(self, position: Position) -> None:
        self._said, self._said_at = position, self._clock.monotonic()
        try:
            self._store.write_position(position)
        except OSError as error:
            self._trouble.note_failure(error)
        else:
            self._trouble.note_success()

    def _position(self) -> Position:
        status = self._status
        return Position(
            state=status.state,
            reason=status.reason,
            generation=status.served.generation,
            as_of=status.served.as_of,
            read_time=max(status.read_time, status.served.as_of),
            written_at_s=self._clock.wall(),
        )
