"""
A Dask cluster that does the tasks of `listener.spread`.
"""

from __future__ import annotations

import threading
import time

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final

from listener.spread import PULSE_S, Unusable


CONNECT_S: Final = 10.0
DESERTED_S: Final = 60.0  # as long as a cluster may take to start its first worker
NO_WORKER: Final = "the cluster has no worker"


@contextmanager
def open_dask(address: str) -> Iterator[Executor]:
    """
    Yield a Dask cluster by its scheduler's address, such as "tcp://host:8786". Its
    workers must have this version of Evershelf, and reach the database.

    Raises:
        OSError: The scheduler does not answer, or Dask is not installed here.
        Unusable: It has had no worker for `DESERTED_S`; its tasks ended with that.
    """
    try:
        from distributed import Client  # noqa: PLC0415 an extra, and slow to import
    except ImportError as error:
        msg = "EVERSHELF_DASK_ADDRESS needs the extra: pip install 'evershelf[dask]'"
        raise OSError(msg) from error
    open_client: Any = Client  # it has no types
    try:
        opened = open_client(address, timeout=CONNECT_S, set_as_default=False)
    except (TypeError, ValueError) as error:  # as with TLS that Dask is not set up for
        raise OSError(str(error)) from error
    with opened as client:
        # A task that is not pure is done each time it is asked for; of any other the
        # scheduler has what came of it before, for whomever.
        executor = client.get_executor(pure=False)
        watch = _Watch(client, executor)
        try:
            yield executor
        except Unusable as error:
            if watch.is_deserted:
                raise Unusable(NO_WORKER) from error
            raise
        finally:
            watch.end()
            executor.shutdown(wait=False)


class _Watch:
    """
    Lets go of all tasks of a cluster without workers, for which its scheduler would
    wait for ever.

    Attributes:
        is_deserted: Whether it has.
    """

    def __init__(self, client: Any, executor: Executor) -> None:
        self.is_deserted = False
        self._client = client
        self._executor = executor
        self._is_over = threading.Event()
        threading.Thread(target=self._run, name="dask-watch", daemon=True).start()

    def end(self) -> None:
        """
        Watch no longer.
        """
        self._is_over.set()

    def _run(self) -> None:
        seen_at = time.monotonic()
        while not self._is_over.wait(PULSE_S):
            if self._has_workers():
                seen_at = time.monotonic()
            elif time.monotonic() - seen_at >= DESERTED_S:
                self.is_deserted = True
                self._executor.shutdown(wait=False)
                return

    def _has_workers(self) -> bool:
        try:
            return bool(self._client.nthreads())
        except Exception:  # noqa: BLE001 a scheduler that does not say so has none
            return False
