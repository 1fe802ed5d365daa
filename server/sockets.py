"""
The addresses that are listened on, had before anything else is begun.
"""

from __future__ import annotations

import socket

from collections.abc import Sequence
from typing import Any, Final


WAITING: Final = 1_024  # connections that the kernel keeps for us


def listen(host: str, port: int) -> list[socket.socket]:
    """
    Return a socket for each address that *host* stands for.

    Args:
        host: An address, or a name.
        port: 0 for any that is free.

    Raises:
        OSError: One of them cannot be had.
    """
    found = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    addresses = dict.fromkeys((family, address) for family, _, _, _, address in found)
    return _open_all(list(addresses), is_shared=False)


def listen_each(host: str, port: int, members: int) -> list[list[socket.socket]]:
    """
    Return sockets as `listen` does, for each of some processes; the kernel divides the
    connections among them.

    Each process has a queue of its own. While some other process has the socket open,
    too, what waits there waits on when the first one ends.

    Raises:
        OSError: One of the addresses cannot be had, or somebody listens there.
    """
    first = listen(host, port)
    if members == 1:
        return [first]
    # closed again: sharing takes an option that all of them have from the beginning
    addresses = [(one.family, one.getsockname()) for one in first]
    _close(first)
    return [_open_all(addresses, is_shared=True) for _ in range(members)]


def _open_all(
    addresses: Sequence[tuple[int, Any]], *, is_shared: bool
) -> list[socket.socket]:
    opened: list[socket.socket] = []
    try:
        for family, address in addresses:
            one = socket.socket(family, socket.SOCK_STREAM)
            opened.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:  # the other family has a socket of its own
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(WAITING)
            one.setblocking(False)
    except OSError:
        _close(opened)
        raise
    return opened


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()
