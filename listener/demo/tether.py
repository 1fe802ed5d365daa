"""
Become another program that ends when its parent does: run as a script.

    python tether.py PARENT PROGRAM ARGUMENT…

On Linux the kernel sends SIGTERM to the program when the thread that started it ends,
however that ended, so that nothing is left behind. Elsewhere nothing is promised.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from collections.abc import Sequence
from pathlib import Path


_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tethered(command: Sequence[str | Path]) -> list[str]:
    """
    Return *command* so that the process it starts ends with this one's thread.
    """
    isolated = [sys.executable, "-I", "-S", __file__]  # starts in a few milliseconds
    return [*isolated, str(os.getpid()), *map(str, command)]


def become(parent: int, command: Sequence[str]) -> None:
    """
    Replace this process by *command*; return only if the parent is gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have ended before the kernel was asked.
        if os.getppid() != parent:
            return
    os.execv(command[0], list(command))  # noqa: S606


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
