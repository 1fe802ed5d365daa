"""
The folder of a mongod: its data, its log, and who runs it where.
"""

from __future__ import annotations

import fcntl
import os

from dataclasses import dataclass
from pathlib import Path

from recommender.settings import Settings


@dataclass(frozen=True, slots=True)
class Lease:
    """
    Who has started the folder's mongod last.

    Attributes:
        port: Where that listened.
        owner: The process that started it and stops it.
    """

    port: int
    owner: int


@dataclass(frozen=True, slots=True)
class Folder:
    """
    Where a mongod keeps everything.
    """

    path: Path

    @property
    def data(self) -> Path:
        """
        The folder of the database's own files.
        """
        return self.path / "db"

    @property
    def log(self) -> Path:
        """
        The log of the last start; that of the one before ends in `.1`.
        """
        return self.path / "mongod.log"

    @property
    def errors(self) -> Path:
        """
        What mongod printed before it had a log.
        """
        return self.path / "mongod.stderr"

    def prepare(self) -> None:
        """
        Make what is missing, for the user's eyes only, and begin a new log.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        if self.log.exists():
            self.log.replace(self.path / "mongod.log.1")
        self.log.touch()

    def is_in_use(self) -> bool:
        """
        Return whether a mongod has the data open; what a crash left behind is no sign.
        """
        try:
            with self._lock.open("rb+") as file:
                # mongod holds it as long as it lives.
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def is_run(self) -> bool:
        """
        Return whether a mongod has the data open and will not end by itself, because
        the process that started it lives.
        """
        lease = self.lease()
        return lease is not None and _is_alive(lease.owner) and self.is_in_use()

    def mongod_pid(self) -> int | None:
        """
        Return the number of the mongod that has, or last had, the data open.
        """
        try:
            return int(self._lock.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def lease(self) -> Lease | None:
        """
        Return who has started a mongod here last; None when that is not known.
        """
        try:
            port, owner = (self.path / "lease").read_text().split()
            return Lease(int(port), int(owner))
        except (FileNotFoundError, ValueError):
            return None

    def note_start(self, port: int) -> None:
        """
        Record that this process has started one.
        """
        (self.path / "lease").write_text(f"{port} {os.getpid()}\n")

    @property
    def _lock(self) -> Path:
        return self.data / "mongod.lock"


def demo_folder(settings: Settings) -> Path:
    """
    Return the folder of the demo's mongod.
    """
    return settings.data_dir / "mongod"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
