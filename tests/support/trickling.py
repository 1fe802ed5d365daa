"""
A server that sends an answer as slowly as it is told to.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final


STOP_S: Final = 10.0


@contextmanager
def trickling(
    head: bytes,
    pieces: Iterable[bytes],
    pause_s: float,
    secret: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """
    Yield the address of who answers one request: *head* at once, and each of the
    *pieces* after a pause, as long as somebody listens and the context lasts; by TLS
    when *secret* says how.
    """
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with contextlib.suppress(OSError):
                caller, _ = listening.accept()
                if secret is not None:
                    caller = secret.wrap_socket(caller, server_side=True)
                with caller:
                    caller.recv(65_536)
                    caller.sendall(head)
                    for piece in pieces:
                        if over.wait(pause_s):
                            return
                        caller.sendall(piece)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            scheme = "http" if secret is None else "https"
            yield f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(STOP_S)
