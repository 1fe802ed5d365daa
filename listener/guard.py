"""
The shrink guard: a catalogue that is suddenly much smaller is believed after a while.

It looks at models built aside, after a drop, a swap, a lost position: a shop that
restores a backup is empty for a moment, and its visitors need not see that. What
arrives as events is never delayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


LEAST: Final = 100  # visible products; below, a shop is small enough to change at once
MOST_LOST: Final = 0.5
HELD: Final = "held_by_shrink_guard"
REQUESTED: Final = "requested"

# Somebody has just asked for it.
TRUSTED: Final = frozenset({REQUESTED, "settings_changed"})


@dataclass(slots=True)
class ShrinkGuard:
    """
    Holds a rebuilt model back. It is told the time and reads no clock.

    Attributes:
        grace_s: For how long.
    """

    grace_s: float
    _visible: int = 0  # what visitors have
    _until: float = 0.0

    def watch(self, reason: str, visible: int, now: float) -> None:
        """
        Look at the model of a rebuild from now on.

        Args:
            reason: Why it was rebuilt.
            visible: Products that visitors see in the model before it.
            now: The time, on the same clock as every other call.
        """
        self._visible = 0 if reason in TRUSTED else visible
        self._until = now + self.grace_s

    def release(self) -> None:
        """
        Look no more.
        """
        self._visible = 0

    def is_holding(self, visible: int, now: float) -> bool:
        """
        Say whether a model with so many visible products must wait.
        """
        is_loss = self._visible >= LEAST and visible < self._visible * (1 - MOST_LOST)
        return is_loss and now < self._until
