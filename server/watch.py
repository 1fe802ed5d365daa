"""
Waits until something in the store's folder moves.

The listener replaces its pointers by renaming, so a rename into the folder is all
there is to see. The folder may not exist yet, and may be removed and made again.
"""

from __future__ import annotations

import os
import selectors
import sys
import threading
import time

from pathlib import Path
from typing import Final, Protocol

from recommender.store import CURRENT, DURABLE, POSITION


if sys.platform == "linux":
    from asyncinotify import Inotify, Mask

    _GONE: Final = Mask.MOVE_SELF | Mask.DELETE_SELF

ABSENT_POLL_S: Final = 0.05  # while there is no folder to watch
POLL_S: Final = 0.005  # where the system cannot tell; three stat calls each time
POINTERS: Final = (CURRENT, DURABLE, POSITION)
ALL: Final = frozenset(POINTERS)


class Watch(Protocol):
    """
    A folder that is being watched. One thread waits.
    """

    def wait(self, timeout_s: float) -> frozenset[str]:
        """
        Return the names of pointers that may have moved since the last call, as soon as
        one has; all of them at the timeout.
        """

    def stop(self) -> None:
        """
        Make `wait` return at once from now on; any thread may call this.
        """

    def close(self) -> None:
        """
        Stop watching.
        """


def watch(folder: Path) -> Watch:
    """
    Return the quickest watch that this system offers.
    """
    if sys.platform == "linux":
        try:
            return NoticeWatch(folder)
        except OSError:  # the user's watches are all in use
            return PollWatch(folder)
    return PollWatch(folder)


class NoticeWatch:
    """
    Told by the kernel (inotify).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._watched: tuple[int, ...] | None = None
        self._inotify = Inotify(sync_timeout=0)
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inotify.fd, selectors.EVENT_READ)
        self._selector.register(self._read_end, selectors.EVENT_READ)

    def wait(self, timeout_s: float) -> frozenset[str]:
        """
        Return the names of pointers that may have moved since the last call, as soon as
        one has; all of them at the timeout.
        """
        if self._follow():
            return ALL  # whatever happened before the watch was set went unnoticed
        is_absent = self._watched is None
        self._selector.select(min(timeout_s, ABSENT_POLL_S) if is_absent else timeout_s)
        moved: set[str] = set()
        for event in self._inotify:
            if event.mask & _GONE:
                self._watched = None  # another folder may get the same inode number
            # of what was lost, or of the folder itself, no name is told
            moved |= ALL if event.name is None else {str(event.name)}
        return frozenset(moved) or ALL

    def stop(self) -> None:
        """
        Make `wait` return at once from now on; any thread may call this.
        """
        os.write(self._write_end, b"!")

    def close(self) -> None:
        """
        Stop watching.
        """
        self._selector.close()
        self._inotify.close()
        os.close(self._read_end)
        os.close(self._write_end)

    def _follow(self) -> bool:
        """
        Watch the folder that bears the name now; say whether that is another one.
        """
        found = _state(self._folder, "st_dev", "st_ino")
        if found == self._watched:
            return False
        self._watched = None
        if found is None:
            return False
        try:
            self._inotify.add_watch(self._folder, Mask.MOVED_TO | _GONE)
        except OSError:  # gone again
            return False
        self._watched = found
        return True


class PollWatch:
    """
    Looks often.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = tuple(folder / name for name in POINTERS)
        self._stopped = threading.Event()
        self._seen = self._look()

    def wait(self, timeout_s: float) -> frozenset[str]:
        """
        Return all pointers when one has moved since the last call, or at the timeout.
        """
        deadline = time.monotonic() + timeout_s
        while (seen := self._look()) == self._seen and time.monotonic() < deadline:
            if self._stopped.wait(POLL_S):
                return ALL
        self._seen = seen
        return ALL

    def stop(self) -> None:
        """
        Make `wait` return at once from now on; any thread may call this.
        """
        self._stopped.set()

    def close(self) -> None:
        """
        Nothing is held.
        """

    def _look(self) -> list[tuple[int, ...] | None]:
        return [_state(path, "st_ino", "st_mtime_ns") for path in self._paths]


def _state(path: Path, *fields: str) -> tuple[int, ...] | None:
    """
    Return what the system says of *path*; None when it is not there.
    """
    try:
        stat = path.stat()
    except OSError:
        return None
    return tuple(getattr(stat, field) for field in fields)
