"""
Memory that was freed, and is to be the system's again.

glibc keeps what was freed for whoever asks next, as far as it was not mapped for itself
(mallopt(3)). Once an array of some megabytes has been freed, arrays up to that size are
no longer mapped, and a process that merges now and then keeps twice of what it uses.
Where the C library is another one, nothing of this does anything.
"""

from __future__ import annotations

import ctypes

from typing import Final


LARGE: Final = 1024 * 1024  # bytes; from here on an array is mapped for itself
_MMAP_THRESHOLD: Final = -3  # M_MMAP_THRESHOLD, of malloc.h

_libc = ctypes.CDLL(None)


def return_large() -> None:
    """
    Let whatever is `LARGE` be the system's as soon as it is freed, from now on.
    """
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, LARGE)


def return_free() -> None:
    """
    Give back what is free now; it takes milliseconds, in which others may wait.
    """
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
