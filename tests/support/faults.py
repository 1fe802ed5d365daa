"""
File operations that fail at the N-th call.
"""

from __future__ import annotations

import contextlib
import os

from collections.abc import Callable, Iterator
from typing import Any

import pytest


OPERATIONS = ("open", "fdopen", "fsync", "replace", "scandir")


class Faults:
    """
    Fails the N-th file operation, and those after it if persistent.

    A write that fails has written half of what it should; nothing else that fails has
    done anything. Closing a descriptor and removing a file never fail.
    """

    def __init__(self, at: int, code: int, *, is_persistent: bool) -> None:
        self._at = at
        self._code = code
        self._is_persistent = is_persistent
        self.count = 0

    @property
    def happened(self) -> bool:
        """
        Whether there were enough operations for one to fail.
        """
        return self.count >= self._at

    @contextlib.contextmanager
    def injected(self) -> Iterator[None]:
        """
        Let operations fail within this context.
        """
        with pytest.MonkeyPatch.context() as patch:
            for name in OPERATIONS:
                patch.setattr(os, name, self._wrapped(name, getattr(os, name)))
            yield

    def check(self, operation: str) -> None:
        """
        Count an operation; raise OSError if it is one that fails.
        """
        self.count += 1
        if self.count == self._at or (self._is_persistent and self.happened):
            raise OSError(self._code, os.strerror(self._code), operation)

    def note_half(self) -> None:
        """
        Hear that a write which fails has written its half.
        """

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **keywords: Any) -> Any:
            if name == "fdopen":
                return _Writer(self, call(*args, **keywords))
            self.check(name)
            return call(*args, **keywords)

        return wrapped


class _Writer:
    """
    A file whose writes may fail half way.
    """

    def __init__(self, faults: Faults, file: Any) -> None:
        self._faults = faults
        self._file = file

    def writelines(self, chunks: Iterator[bytes]) -> None:
        whole = b"".join(chunks)
        try:
            self._faults.check("write")
        except OSError:
            self._file.write(whole[: len(whole) // 2])
            self._file.flush()
            self._faults.note_half()
            raise
        self._file.write(whole)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
