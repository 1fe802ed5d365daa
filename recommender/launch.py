"""
The first moments of a process, in which it only imports what it is made of. Nothing of
that may be imported before, so this module needs next to nothing.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from recommender import allocator


# The compiler of the kernels takes it along when it can, with half of scipy; nothing
# here needs that but `verify`, which imports it later.
BALLAST: Final = "scipy.linalg.cython_blas"


@contextmanager
def launching(*, if_stopped: int) -> Iterator[None]:
    """
    Import within this: at SIGTERM or SIGINT the process ends at once, with the code
    *if_stopped*, and so it does from then on until it takes the signals itself.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(if_stopped)  # nothing has begun

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    allocator.return_large()
    gc.disable()  # modules stay; looking for what does not took an eighth of the time
    sys.modules[BALLAST] = None  # type: ignore[assignment]  # it cannot be imported
    try:
        yield
    finally:
        del sys.modules[BALLAST]
        gc.freeze()
        gc.enable()
