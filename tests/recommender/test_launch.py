"""
Processes that are asked to stop before they have come to anything.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

import pytest

from recommender.exits import Exit
from recommender.settings import ListenerSettings
from run_listener import ERRANDS
from tests.support.processes import ROOT


# Python runs it before the program: it stops at the first import of the logs' package,
# which every process needs.
HALT: Final = """
import sys

class Halt:
    def find_spec(self, name, path=None, target=None):
        if name == "structlog":
            print("importing", flush=True)
            sys.stdin.read()

sys.meta_path.insert(0, Halt())
"""
PATIENCE_S: Final = 60.0


def stopped_while_importing(
    folder: Path, program: Sequence[str], number: int
) -> tuple[int, str]:
    """
    Return how a program ends that gets a signal while it imports, and what it prints
    from then on.
    """
    (folder / "sitecustomize.py").write_text(HALT)
    process = subprocess.Popen(
        [sys.executable, *program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "importing\n"
            process.send_signal(number)
            code = process.wait(PATIENCE_S)
            return code, process.stdout.read()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("program", "code"),
    [
        (["run_listener.py"], Exit.OK),
        (["run_listener.py", "verify"], Exit.INTERRUPTED),
        (["run_server.py"], Exit.OK),
        (["-m", "listener.demo"], Exit.OK),
    ],
    ids=["listener", "verify", "server", "demo"],
)
def test_stopped_while_it_imports(
    tmp_path: Path, program: Sequence[str], code: Exit, number: int
) -> None:
    """
    A process that has not begun yet ends at once, silently, with the code of one that
    was stopped; an errand, with that of one that has no result.
    """
    assert stopped_while_importing(tmp_path, program, number) == (code, "")


BALLAST: Final = {"scipy.linalg", "scipy.sparse", "sklearn", "pytest", "rich"}
# Says what a program has imported when it ends.
TOLD: Final = """
import atexit, sys

atexit.register(lambda: print("modules", *sys.modules))
"""


@pytest.mark.parametrize(
    "program", ["run_listener.py", "run_server.py"], ids=["listener", "server"]
)
def test_start_carries_no_ballast(tmp_path: Path, program: str) -> None:
    """
    Neither process imports what only `verify` and the tests need, nor what draws tables:
    it would take longer to follow again, and more memory.
    """
    (tmp_path / "sitecustomize.py").write_text(TOLD)
    done = subprocess.run(
        [sys.executable, program, "--help"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
        timeout=PATIENCE_S,
    )
    imported = done.stdout.splitlines()[-1].split()

    assert "numba" in imported
    assert not BALLAST & {*imported}


def test_errands_are_all_commands_that_come_to_an_end() -> None:
    """
    The script knows which words ask for a result before the settings can be read.
    """
    field = ListenerSettings.model_fields["command"]

    assert {*get_args(field.annotation)} == {*ERRANDS, "run", "work", "follow"}
