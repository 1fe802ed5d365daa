"""
A line to a port of this machine that can be cut.
"""

from __future__ import annotations

import contextlib
import socket
import threading

from typing import Final, Self


PIECE: Final = 65_536
STOP_S: Final = 10.0


class Cable:
    """
    Passes bytes on while the context lasts. While it is cut nothing is lost and nothing
    arrives: who is at either end hears no more than silence.
    """

    def __init__(self, port: int) -> None:
        """
        Lead to a port.
        """
        self._to = port
        self._whole = threading.Event()
        self._whole.set()
        self._is_over = False
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listening.getsockname()[1]

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._whole.set()
        for end in (self._listening, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(STOP_S)

    def cut(self) -> None:
        """
        Let nothing arrive any more.
        """
        self._whole.clear()

    def mend(self) -> None:
        """
        Let everything arrive, what was sent meanwhile, too.
        """
        self._whole.set()

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self._ends.append(near)
                self._begin(self._connect, near)

    def _connect(self, near: socket.socket) -> None:
        self._whole.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            near.close()
            return
        self._ends.append(far)
        if self._is_over:
            far.close()
            return
        self._begin(self._pass_on, near, far)
        self._begin(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                self._whole.wait()
                target.sendall(piece)
            self._whole.wait()
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
