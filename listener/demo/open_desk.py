"""
The desk as one of the programs that are watched; it runs in this process.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from listener.demo.desk import open_desk
from listener.demo.errors import PortTaken
from server.access import Keys


class OpenDesk:
    """
    A desk that closes before the database that it writes to.

    Attributes:
        name: For people.
        port: Where it is to be found, on loopback.
    """

    name: Final = "desk"

    def __init__(
        self, uri: str, database: str, collection: str, keys: Keys, port: int
    ) -> None:
        self.port = port
        self._place = (uri, database, collection, keys)
        self._open = ExitStack()

    def start(self) -> None:
        """
        Open it.

        Raises:
            PortTaken: Another program was quicker.
        """
        try:
            self._open.enter_context(open_desk(*self._place, self.port))
        except OSError as error:
            msg = f"Another program listens on port {self.port}."
            raise PortTaken(msg, "Start again.") from error

    def exit_code(self) -> int | None:
        """
        Return None: it ends with this process.
        """
        return None

    def ask_to_stop(self) -> None:
        """
        Do nothing: closing it takes no time.
        """

    def stop(self, *, timeout_s: float) -> None:
        """
        Close it, within *timeout_s* or a little more.
        """
        del timeout_s
        self._open.close()
