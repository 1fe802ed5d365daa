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


# What others take along when they can. The compiler of the kernels takes half of scipy,
# which nothing needs but `verify`, and what logs colours for tracebacks, which ours show
# plainly; who needs one of them, on a terminal for example, imports it later.
BALLAST: Final = ("scipy.linalg.cython_blas", "rich")


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
    # None: it cannot be imported
    sys.modules.update(dict.fromkeys(BALLAST))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for module in BALLAST:
            del sys.modules[module]
        gc.freeze()
        gc.enable()
