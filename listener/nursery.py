"""
A process that forks others when this one asks.

It is forked from this one after that has imported everything, and before there is a
thread, a connection or a lock; so what it forks is ready at once, shares what was
imported, and holds nothing of what this process has begun since.

All that is known of a process is the line to it. It ends when its line does, whoever
closed it: the one that asked, or the kernel for one that was killed.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import traceback

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final


ABSENT: Final = "this process began without one that forks others"

Work = Callable[[socket.socket], None]  # what a process does with its line

_LINES: Final[list[socket.socket]] = []  # to the nursery of this process, if it has one


@contextmanager
def open_nursery(work: Work) -> Iterator[None]:
    """
    Have a process that forks those that *work*, for this one. Only where nothing has
    begun: it holds what was open at this moment. Where the host has no room for it,
    whoever asks it is refused.
    """
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)

    def be_one() -> None:
        ours.close()
        keep(theirs, work)

    with theirs, suppress(OSError):
        _fork(be_one)
    with use_nursery(ours):
        yield


@contextmanager
def use_nursery(line: socket.socket) -> Iterator[None]:
    """
    Ask at the other end of *line* meanwhile, and close it.
    """
    with line:
        _LINES.append(line)
        try:
            yield
        finally:
            _LINES.remove(line)


def have_process() -> socket.socket:
    """
    Return the line to a new process; it ends when the process could not begin, too.

    Raises:
        OSError: There is nobody who would fork it.
    """
    if not _LINES:
        raise ChildProcessError(ABSENT)
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            socket.send_fds(_LINES[-1], [b"\0"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
    return ours


def keep(line: socket.socket, work: Work) -> None:
    """
    Fork a process for each line that comes, until *line* ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the one that asks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, _note_ends)
    while (its := _receive(line)) is not None:
        with its:
            try:
                _fork(lambda its=its: _begin(its, line, work))  # type: ignore[misc]
            except OSError:
                traceback.print_exc()  # its line ends, which is how the other knows


def _note_ends(_number: int, _frame: FrameType | None) -> None:
    """
    Let go of those that have ended; what they took is then counted as the nursery's.
    """
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _receive(line: socket.socket) -> socket.socket | None:
    message, numbers, _, _ = socket.recv_fds(line, 1, 1)
    return socket.socket(fileno=numbers[0]) if message else None


def _begin(its: socket.socket, line: socket.socket, work: Work) -> None:
    line.close()  # it has to end with the nursery
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=[its.fileno()], daemon=True).start()
    work(its)


def _end_with(line: int) -> None:
    """
    End this process with its line, whatever it is doing.
    """
    ends = select.poll()
    ends.register(line, 0)  # nothing but its end
    ends.poll()
    os._exit(0)


def _fork(do: Callable[[], None]) -> None:
    """
    Let a new process do something, and end without what this one does at its end.
    """
    if os.fork():
        return
    code = 1
    try:
        do()
        code = 0
    except BaseException:  # noqa: BLE001 nothing of this process may go on in that one
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
