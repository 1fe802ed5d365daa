"""
A folder as a newcomer has it after `make install`, to type commands in.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.ports import free_port
from tests.support.processes import ROOT


WITHIN_S: Final = 120.0
# written anew, or not a newcomer's
LEFT_OUT: Final = {".venv", "data", "requirements.lock", "evershelf.toml", ".env"}


class Typed:
    """
    A command that was typed, and all that belongs to it.
    """

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def text(self) -> str:
        """
        What it has printed.
        """
        return self._output.read_text()

    @property
    def is_running(self) -> bool:
        """
        Whether it has not ended yet.
        """
        return self._process.poll() is None

    def press_ctrl_c(self) -> None:
        """
        Do what a terminal does then: all processes of the command are told.
        """
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self) -> int:
        """
        Return its exit code once it has ended.
        """
        return self._process.wait(WITHIN_S)

    def end(self) -> None:
        """
        Leave nothing of it behind.
        """
        if self.is_running:
            self.press_ctrl_c()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self.wait()


class Clone:
    """
    The folder, with ports of its own in place of the usual ones.
    """

    def __init__(self, folder: Path) -> None:
        """
        Make it of links to what is here; what is installed is not installed again.
        """
        self.folder = folder
        self.port = free_port()
        self._control_port = free_port()
        self._serial = 0
        _link_all(ROOT, folder, LEFT_OUT)
        shutil.copy2(ROOT / "requirements.lock", folder)
        os.utime(folder / "requirements.lock", (0, 0))
        (folder / ".venv").mkdir()
        _link_all(Path(sys.prefix), folder / ".venv", {".installed"})
        (folder / ".venv/.installed").touch()

    @contextmanager
    def typing(self, command: str, **environment: str) -> Iterator[Typed]:
        """
        Yield a command that was typed here, and goes on.
        """
        self._serial += 1
        output = self.folder / f"typed-{self._serial}.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["/bin/bash", "-c", command],
                cwd=self.folder,
                env=self._environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        typed = Typed(process, output)
        try:
            yield typed
        finally:
            typed.end()

    def say(self, command: str, **environment: str) -> str:
        """
        Return what a command prints, which must end well.
        """
        with self.typing(command, **environment) as typed:
            code = typed.wait()
            assert code == 0, typed.text[-4000:]
            return typed.text

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "EVERSHELF_PORT": str(self.port),
            "EVERSHELF_CONTROL_PORT": str(self._control_port),
        }


def _link_all(source: Path, target: Path, left_out: set[str]) -> None:
    for path in source.iterdir():
        if path.name not in left_out:
            (target / path.name).symlink_to(path)
