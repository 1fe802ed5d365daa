"""
One time for each of many callers, in memory that several processes share.

Callers stand in groups by their hash, a few places each; in a full group the earliest
time makes room. Each group has a lock of the system's, which is let go of also when
the process that holds it dies.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import tempfile
import weakref

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


PLACES: Final = 8  # in a group
GROUPS: Final = 1 << 14  # 131,072 callers, two megabytes

_PLACE: Final = struct.Struct("=Qd")  # a caller's hash, 0 for nobody; the time, seconds
_GROUP_BYTES: Final = PLACES * _PLACE.size


class SharedTimes:
    """
    To be made before the processes that share it are forked: they have the memory, and
    the secret of `hash`, in common.
    """

    def __init__(self, groups: int = GROUPS) -> None:
        self._groups = groups
        self._memory = mmap.mmap(-1, groups * _GROUP_BYTES)
        with tempfile.TemporaryFile() as file:
            self._locks = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._locks)

    @contextmanager
    def turn_of(self, caller: str) -> Iterator[None]:
        """
        Keep other processes from reading or writing a caller's time meanwhile; to be
        held for a moment.
        """
        group = hash(caller) % self._groups
        fcntl.lockf(self._locks, fcntl.LOCK_EX, 1, group)
        try:
            yield
        finally:
            fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, group)

    def read(self, caller: str) -> float | None:
        """
        Return a caller's time; None when none is known.
        """
        tag = _to_tag(caller)
        return next((t for who, t, _ in self._group(caller) if who == tag), None)

    def write(self, caller: str, time_s: float) -> None:
        """
        Keep a caller's time.
        """
        tag, group = _to_tag(caller), list(self._group(caller))
        ours = [place for who, _, place in group if who == tag]
        free = [place for who, _, place in group if not who]
        _, earliest = min((t, place) for _, t, place in group)
        _PLACE.pack_into(self._memory, (ours + free + [earliest])[0], tag, time_s)

    def _group(self, caller: str) -> Iterator[tuple[int, float, int]]:
        start = hash(caller) % self._groups * _GROUP_BYTES
        for place in range(start, start + _GROUP_BYTES, _PLACE.size):
            yield *_PLACE.unpack_from(self._memory, place), place


def _to_tag(caller: str) -> int:
    return (hash(caller) & (1 << 64) - 1) or 1
