"""
One kept-alive connection to a server, with next to no cost of its own.
"""

from __future__ import annotations

import socket

from types import TracebackType
from typing import Final, NamedTuple, Self


LOOPBACK: Final = "127.0.0.1"
END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length: "
TIMEOUT_S: Final = 30.0
ROOM: Final = 1 << 18


class Answer(NamedTuple):
    """
    Status and body.
    """

    status: int
    body: bytes


def to_request(path: str) -> bytes:
    """
    Return the bytes that ask for *path*.
    """
    return f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n\r\n".encode()


def answer_length(head: bytes) -> int:
    """
    Return the length of the body that follows *head*.
    """
    lower = head.lower()
    at = lower.find(LENGTH)
    if at < 0:
        return 0
    at += len(LENGTH)
    return int(lower[at : lower.find(b"\r", at)])


class Connection:
    """
    Asks and waits for the answer. One thread uses it.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str) -> Answer:
        """
        Return the answer to a GET.

        Raises:
            OSError: There is none.
        """
        self._socket.sendall(to_request(path))
        received = b""
        while (end := received.find(END)) < 0:
            received += self._receive()
        head = received[: end + 2]
        body = received[end + len(END) :]
        while len(body) < answer_length(head):
            body += self._receive()
        return Answer(int(head[9:12]), body)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        received = self._socket.recv(ROOM)
        if not received:
            msg = "the server closed the connection"
            raise ConnectionError(msg)
        return received
