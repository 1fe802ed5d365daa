"""
Processes for the tests' own. That has threads by now, so none is forked from it.
"""

from __future__ import annotations

import socket
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from listener.nursery import use_nursery
from tests.support.processes import ROOT


# As much as the listener has imported when it begins one.
PROGRAM: Final = """
import socket, sys

from recommender.launch import launching

with launching(if_stopped=0):
    import listener.app
    from listener.nursery import keep
    from listener.pool import work

keep(socket.socket(fileno=int(sys.argv[1])), work)
"""


@contextmanager
def running_nursery() -> Iterator[subprocess.Popen[bytes]]:
    """
    Have a nursery for this process, as `listener.nursery.open_nursery` begins it, but
    from nothing.
    """
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(number)], cwd=ROOT, pass_fds=[number]
        )
    with process, use_nursery(ours):
        yield process
