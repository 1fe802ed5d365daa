"""
Threads that act by chance, each by its own, while their gate is open.
"""

from __future__ import annotations

import random
import threading
import time
import traceback

from collections.abc import Callable
from typing import Final

from tests.chaos.journal import Journal


CLOSING_S: Final = 180.0  # the longest fault, and its mending under the others

Act = Callable[[random.Random], float]


class Gate:
    """
    Whether actors may act; closed at first.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = False
        self._is_over = False
        self._inside = 0

    def open(self) -> None:
        """
        Let them.
        """
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def close(self) -> None:
        """
        Let none begin, and wait for those that have.

        Raises:
            TimeoutError: One did not end.
        """
        with self._changed:
            self._is_open = False
            if not self._changed.wait_for(lambda: not self._inside, CLOSING_S):
                msg = f"{self._inside} did not end what they did within {CLOSING_S:g} s"
                raise TimeoutError(msg)

    def end(self) -> None:
        """
        Let none begin any more.
        """
        with self._changed:
            self._is_open = False
            self._is_over = True
            self._changed.notify_all()

    def enter(self) -> bool:
        """
        Wait until it is open; return False when it will not be any more.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_open or self._is_over)
            self._inside += not self._is_over
            return not self._is_over

    def leave(self) -> None:
        """
        Say that an act is done.
        """
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def rest(self, seconds: float) -> None:
        """
        Wait, or until it closes.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(
                lambda: not self._is_open, deadline - time.monotonic()
            )


class Actor:
    """
    Acts again and again; what it does follows from the seed and its name.
    """

    def __init__(
        self, name: str, act: Act, *, gate: Gate, seed: int, journal: Journal
    ) -> None:
        """
        Args:
            name: Of its own.
            act: Acts once; returns how many seconds to rest.
            gate: Closed, it lets no act begin.
            seed: Of the run.
            journal: Hears of it when it breaks.
        """
        self._name = name
        self._act = act
        self._gate = gate
        self._chance = random.Random(f"{seed}/{name}")
        self._journal = journal
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """
        Begin, as soon as the gate opens.
        """
        self._thread.start()

    def join(self) -> None:
        """
        Wait for its end, which follows the gate's.
        """
        if self._thread.ident is not None:
            self._thread.join(CLOSING_S)

    def _run(self) -> None:
        while self._gate.enter():
            try:
                rest_s = self._act(self._chance)
            except Exception:  # noqa: BLE001 the run must hear of it
                self._journal.fail(f"{self._name} broke:\n{traceback.format_exc()}")
                return
            finally:
                self._gate.leave()
            self._gate.rest(rest_s)
