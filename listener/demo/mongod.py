"""
A mongod of our own: started, awaited, stopped, and started again on the same data.
"""

from __future__ import annotations

import signal
import subprocess
import time

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from listener.demo.errors import DemoFault, FolderTaken, PortTaken
from listener.demo.folder import Folder
from listener.demo.ports import LOOPBACK, free_port, is_free
from listener.demo.replica_set import REPLICA_SET, make_primary, to_uri
from listener.demo.tether import tethered


START_S: Final = 60.0  # recovery after a crash reads the journal first
STOP_S: Final = 4.0  # a clean shutdown takes one second; Ctrl+C promises five in all
LEFTOVER_S: Final = 10.0  # what a mongod may take to end after its parent was killed
_POLL_S: Final = 0.01
_PORT_TRIES: Final = 5
_ADDRESS_IN_USE: Final = 48  # mongod's exit code
_LISTENS: Final = b'"id":23016,'  # "Waiting for connections"

# Its own diagnostics write to disk each second; a shutdown need not wait for clients.
_QUIET: Final[Mapping[str, str]] = {
    "diagnosticDataCollectionEnabled": "false",
    "shutdownTimeoutMillisForSignaledShutdown": "0",
}


class Mongod:
    """
    A mongod on loopback, with its data, its log and its port kept in one folder.

    It ignores Ctrl+C, which a terminal sends to everything it runs, and ends when the
    thread that started it ends.

    Attributes:
        port: Where it listens; the same again after a restart.
    """

    def __init__(  # noqa: PLR0913
        self,
        binary: Path,
        folder: Path,
        *,
        port: int = 0,
        is_alone: bool = True,
        options: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """
        Args:
            binary: The program.
            folder: Made when it is missing; nobody else may use it.
            port: 0 takes the one of the last run if that is free, else any free one.
            is_alone: Whether to make it a replica set of one. Otherwise whoever starts
                it puts it into one.
            options: Further arguments of mongod.
            parameters: Further server parameters.
        """
        self.port = port
        self._folder = Folder(folder)
        self._binary = binary
        self._chosen_port = port
        self._is_alone = is_alone
        self._options = tuple(options)
        self._parameters = {**_QUIET, **(parameters or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """
        The address of its replica set, without a database.
        """
        return to_uri(self.port)

    @property
    def pid(self) -> int:
        """
        The number of the running process.
        """
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """
        Whether the process was started and has not ended.
        """
        return self._process is not None and self._process.poll() is None

    def exit_code(self) -> int | None:
        """
        Return how it ended by itself; None while it runs, or when it was never started.
        """
        return None if self._process is None else self._process.poll()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """
        Start it, and wait until it answers; when alone, until it takes writes.

        Raises:
            PortTaken: Another program listens on the chosen port.
            FolderTaken: Another mongod uses the folder, and goes on doing so.
            DemoFault: It ended by itself, or took too long.
        """
        _await_unused(self._folder)
        self._folder.prepare()
        self._launch()
        try:
            if self._is_alone:
                make_primary(self.port, timeout_s=START_S)
        except BaseException:
            self.kill()
            raise
        self._folder.note_start(self.port)

    def stop(self, *, timeout_s: float = STOP_S) -> None:
        """
        Stop it cleanly; kill it when that takes longer than *timeout_s*.
        """
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)  # a suspended process does not end
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """
        End it as a crash would.
        """
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            msg = "the mongod is not running"
            raise RuntimeError(msg)
        return self._process

    def _launch(self) -> None:
        for _ in range(_PORT_TRIES):
            self.port = self._choose_port()
            command = tethered([self._binary, *self._arguments()])
            with self._folder.errors.open("wb") as stderr:
                # Its own session, so that the terminal's Ctrl+C does not reach it.
                self._process = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    start_new_session=True,
                )
            code = self._await_answer(self._process)
            if code is None:
                return
            self._process = None
            if code != _ADDRESS_IN_USE:
                raise self._ended(code)
        raise _port_taken(self.port)

    def _choose_port(self) -> int:
        if self._chosen_port:
            if not is_free(self._chosen_port):
                raise _port_taken(self._chosen_port)
            return self._chosen_port
        # Kept over restarts, so that clients that wait for it find it again.
        lease = self._folder.lease()
        last = self.port or (lease.port if lease else 0)
        return last if last and is_free(last) else free_port()

    def _arguments(self) -> list[str]:
        parameters = [f"--setParameter={k}={v}" for k, v in self._parameters.items()]
        return [
            f"--bind_ip={LOOPBACK}",
            f"--port={self.port}",
            f"--replSet={REPLICA_SET}",
            f"--dbpath={self._folder.data}",
            f"--logpath={self._folder.log}",
            "--logappend",
            "--nounixsocket",
            "--wiredTigerCacheSizeGB=0.25",
            *parameters,
            *self._options,
        ]

    def _await_answer(self, process: subprocess.Popen[bytes]) -> int | None:
        deadline = time.monotonic() + START_S
        # Its log and not its port, where another program might answer.
        while _LISTENS not in self._folder.log.read_bytes():
            code = process.poll()
            if code is not None:
                return code
            if time.monotonic() > deadline:
                self.kill()
                raise self._slow()
            time.sleep(_POLL_S)
        return None

    def _slow(self) -> DemoFault:
        return DemoFault(
            f"The mongod did not answer within {START_S:g} s.",
            f"Look into {self._folder.log}.",
        )

    def _ended(self, code: int) -> DemoFault:
        said = self._folder.errors.read_text(errors="replace").strip()
        return DemoFault(
            f"The mongod ended with code {code}. {said}".strip(),
            f"Look into {self._folder.log}, "
            "and run `make install`, which names what this machine lacks.",
        )


def _await_unused(folder: Folder) -> None:
    deadline = time.monotonic() + LEFTOVER_S
    while folder.is_in_use():
        if folder.is_run() or time.monotonic() > deadline:
            raise _folder_taken(folder)
        time.sleep(_POLL_S)


def _folder_taken(folder: Folder) -> FolderTaken:
    pid = folder.mongod_pid()
    return FolderTaken(
        f"Another mongod, process {pid}, uses {folder.path}.",
        f"Stop the other `make run`; if there is none, `kill -9 {pid}`. "
        "Or choose another folder with EVERSHELF_DATA_DIR.",
    )


def _port_taken(port: int) -> PortTaken:
    return PortTaken(
        f"Another program listens on port {port}, which the demo's mongod was to use.",
        "Stop it, or choose another port with EVERSHELF_DEMO_PORT.",
    )
