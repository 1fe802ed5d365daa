"""
Ports on loopback.
"""

from __future__ import annotations

import socket

from typing import Final


LOOPBACK: Final = "127.0.0.1"


def free_port() -> int:
    """
    Return a port that nobody listens on now; somebody may a moment later.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """
    Return whether a program could listen on *port* now.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: a port whose last connections are only being wound up is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
