"""
A service manager, as a process sees it: a real socket that it may tell things.
"""

from __future__ import annotations

import contextlib
import os
import socket

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import wait_for


class Manager:
    """
    What has been told, oldest first.
    """

    def __init__(self, listening: socket.socket, path: Path) -> None:
        self._socket = listening
        self.path = path

    def environment(self, timeout_s: float = 0.0) -> Mapping[str, str]:
        """
        Return what a service is started with whose silence is borne for so long; 0: for
        ever.
        """
        named = {"NOTIFY_SOCKET": str(self.path)}
        if timeout_s:
            named["WATCHDOG_USEC"] = str(round(timeout_s * 1e6))
        return named

    def hear(self) -> list[str]:
        """
        Return what has been told since it last heard.
        """
        heard = []
        with contextlib.suppress(BlockingIOError):
            while True:
                heard.append(self._socket.recv(4096).decode())
        return heard

    def wait_for(self, message: str, *, timeout_s: float = 60.0) -> list[str]:
        """
        Return all that is told until a message is.
        """
        heard: list[str] = []

        def is_there() -> bool:
            heard.extend(self.hear())
            return message in heard

        wait_for(is_there, timeout_s=timeout_s, what=message)
        return heard


@contextmanager
def managing(folder: Path) -> Iterator[Manager]:
    """
    Yield one whose socket is in a folder.
    """
    # the folder's own path may be longer than a socket's may
    path = Path(f"/tmp/evershelf-{os.getpid()}-{abs(hash(folder))}.sock")  # noqa: S108
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        try:
            yield Manager(listening, path)
        finally:
            path.unlink()
