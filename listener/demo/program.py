"""
A child process that is started, and started again.
"""

from __future__ import annotations

import os
import signal
import subprocess

from collections.abc import Mapping, Sequence

from listener.demo.tether import tethered


class Program:
    """
    One program, whose output goes where this process's does.

    It ignores Ctrl+C, which a terminal sends to everything it runs, and ends when the
    thread that started it ends.

    Attributes:
        name: For people.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """
        Args:
            name: For people.
            command: The program and its arguments.
            environment: Added to this process's own.
        """
        self.name = name
        self._command = tuple(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """
        Start it.
        """
        self._process = subprocess.Popen(  # noqa: S603
            tethered(self._command),
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def exit_code(self) -> int | None:
        """
        Return how it ended; None while it runs, or when it was never started.
        """
        return None if self._process is None else self._process.poll()

    def ask_to_stop(self) -> None:
        """
        Let it stop in its own time; `stop` waits for that.
        """
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, *, timeout_s: float) -> None:
        """
        Wait until it has stopped, as it was asked to; kill it after *timeout_s*.
        """
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
