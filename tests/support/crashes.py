"""
A program: a listener that is killed at its first file operation, then one that is
killed at its second, and so on. Each goes on from what the one before has left.
"""

from __future__ import annotations

import os
import signal
import sys

from listener import app
from tests.support.faults import Faults


def die() -> None:
    """
    End this process as SIGKILL from outside would.
    """
    os.kill(os.getpid(), signal.SIGKILL)


class Death(Faults):
    """
    Kills the process before its N-th file operation, or in the middle of a write.
    """

    def check(self, operation: str) -> None:
        """
        Count an operation; die if it is the one, but write half of a write before.
        """
        try:
            super().check(operation)
        except OSError:
            if operation != "write":
                die()
            raise

    def note_half(self) -> None:
        """
        Die: half of the write is done.
        """
        die()


def live_and_die(at: int) -> int:
    """
    Run a listener in a child that dies at its *at*-th file operation; return the code
    with which the child has ended.
    """
    child = os.fork()  # all is imported, which takes longer than such a life
    if not child:
        with Death(at, 0, is_persistent=False).injected():
            os._exit(app.main([]))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for at in range(1, int(sys.argv[1]) + 1):
        code = live_and_die(at)
        if code != -signal.SIGKILL:
            sys.exit(f"the listener ended with {code} at operation {at}")
