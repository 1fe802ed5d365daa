"""
The demo's mongod as one of the programs that are watched.
"""

from __future__ import annotations

from typing import Final

from listener.demo.mongod import Mongod


class Database:
    """
    A mongod that stops after those that use it.

    Attributes:
        name: For people.
    """

    name: Final = "mongod"

    def __init__(self, mongod: Mongod) -> None:
        self._mongod = mongod

    def start(self) -> None:
        """
        Start it unless it runs, on the port where it was.

        Raises:
            DemoFault: It cannot be started.
        """
        if not self._mongod.is_running:
            self._mongod.start()

    def exit_code(self) -> int | None:
        """
        Return how it ended by itself; None while it runs.
        """
        return self._mongod.exit_code()

    def ask_to_stop(self) -> None:
        """
        Do nothing: the others need it until they have stopped.
        """

    def stop(self, *, timeout_s: float) -> None:
        """
        Stop it; the journal mends what is cut short after *timeout_s*.
        """
        self._mongod.stop(timeout_s=timeout_s)
