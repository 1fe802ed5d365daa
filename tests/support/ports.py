"""
Ports on loopback that nobody else is given meanwhile.
"""

from __future__ import annotations

import socket
import sys

from collections import deque
from typing import Final

from listener.demo.ports import LOOPBACK


# Bound, and not listened on: the kernel gives such a port to nobody who asks for any, as
# the tests beside this one do all the time, while a program that asks for it by number,
# and says that it may be used again, gets it. Linux does so.
# Whoever was given an older one listens on it, or has ended.
MOST_HELD: Final = 64 if sys.platform == "linux" else 0
_held: Final[deque[socket.socket]] = deque()


def free_port() -> int:
    """
    Return a port that nobody listens on, for a program that is started soon.
    """
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((LOOPBACK, 0))
    port: int = probe.getsockname()[1]
    _held.append(probe)
    while len(_held) > MOST_HELD:
        _held.popleft().close()
    return port
