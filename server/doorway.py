"""
Where connections come in.

All that wait are taken in at once. The event loop's own way takes one in each turn, so
that under load, when turns are long, callers wait before the door where nobody sees
them, and health checks behind them.

However many come, they leave the process files enough for its own work: those of the
store, and connections to the database.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import sys

from collections.abc import Sequence
from typing import Final

import structlog

from aiohttp import web


TAKEN_AT_ONCE: Final = 1_024
UNREAD_S: Final = 75.0  # that a caller may leave an answer unread; as long as idle ones
PAUSE_S: Final = 1.0  # when there is no room for more
# Files that no caller gets: a handful at a time is what loading or publishing takes.
KEPT_FILES: Final = 64
KEPT_SHARE: Final = 4  # or a quarter, of a process that may have few

_log = structlog.get_logger()


class Doorway(web.BaseSite):
    """
    Addresses that are listened on.
    """

    def __init__(self, runner: web.AppRunner, sockets: Sequence[socket.socket]) -> None:
        """
        Args:
            runner: Set up already.
            sockets: Listening; closed with the site.
        """
        super().__init__(runner)
        self._sockets = sockets

    @property
    def name(self) -> str:
        """
        What the library calls it.
        """
        return " ".join(f"http://{one.getsockname()[:2]}" for one in self._sockets)

    async def start(self) -> None:
        """
        Take in who comes.
        """
        server = self._runner.server
        if server is None:
            msg = "the runner is not set up"
            raise RuntimeError(msg)
        await super().start()
        # the runner uses no more of it than its sockets and `close`
        self._server = _Porter(server, self._sockets)  # type: ignore[assignment]


class _Porter:
    """
    Takes connections in.
    """

    def __init__(self, server: web.Server, sockets: Sequence[socket.socket]) -> None:
        self.sockets = tuple(sockets)
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._is_closed = self._is_full = False
        for listening in self.sockets:
            self._loop.add_reader(listening, self._take, listening)

    def close(self) -> None:
        """
        Take in no more.
        """
        self._is_closed = True
        for listening in self.sockets:
            self._loop.remove_reader(listening)
            listening.close()

    def _take(self, listening: socket.socket) -> None:
        for _ in range(TAKEN_AT_ONCE):
            try:
                _check_room(listening)
                connection, _address = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                self._is_full = False  # nobody waits any more
                return
            except OSError as error:
                self._pause(listening, error)
                return
            connection.setblocking(False)
            _limit_patience(connection)
            task = self._loop.create_task(self._enter(connection))
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    async def _enter(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._server, connection)
        except OSError:  # the caller has hung up
            connection.close()

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        """
        Let what waits wait: as long as it does, the loop would turn for nothing.
        """
        if not self._is_full:
            _log.warning("server.full", error=error.strerror)
        self._is_full = True
        self._loop.remove_reader(listening)
        self._loop.call_later(PAUSE_S, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if not self._is_closed:
            self._loop.add_reader(listening, self._take, listening)


def _check_room(listening: socket.socket) -> None:
    """
    See that a caller leaves us the files that we need; who comes next would have the
    lowest number that is free.

    Raises:
        OSError: There is no room.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(listening.fileno())
    os.close(free)
    if limit == resource.RLIM_INFINITY:
        return
    if free >= limit - min(KEPT_FILES, limit // KEPT_SHARE):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _limit_patience(connection: socket.socket) -> None:
    """
    Let the kernel hang up on a caller who takes in nothing of what was sent.
    """
    if sys.platform == "linux":
        connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(UNREAD_S * 1_000)
        )
