"""
A task done by other processes for each range of ids: some of this host, or those of a
Dask cluster.

Either is an executor of `concurrent.futures`. A task is told the settings and the
database's address, so that any process that reaches the database may do it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog

from listener.build import Check
from listener.errors import ListenerError
from listener.feed import IdRange
from listener.mapping import fingerprint
from recommender.settings import ListenerSettings


FEWEST: Final = 3  # ranges that are worth the start of processes, a second or two
MOST_PROCESSES: Final = 4  # unless more are asked for: the database is kept busy, too
PULSE_S: Final = 0.25
CONNECT_S: Final = 10.0
OTHER_VERSION: Final = "a worker is of another version of Evershelf"

log = structlog.get_logger()

R = TypeVar("R")
T = TypeVar("T")

Open = Callable[[], AbstractContextManager[Executor]]


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a process must know to read any range.
    """

    settings: ListenerSettings
    uri: str


class Unusable(Exception):  # noqa: N818 the class says what happened
    """
    The executor cannot go on, or what it gives back cannot be used.
    """


@dataclass(frozen=True, slots=True)
class Spread:
    """
    Has tasks done by an executor; here, when there is little to do, or when the
    executor fails.

    Attributes:
        order: For each task.
        executor: Opens one, for one collection.
    """

    order: Order
    executor: Open

    def map(
        self,
        task: Callable[[Order, IdRange], R],
        ranges: Sequence[IdRange],
        check: Check,
        *,
        to_result: Callable[[R], T],
        here: Callable[[Sequence[IdRange]], Iterable[T]],
    ) -> Iterator[T]:
        """
        Yield what becomes of each of *ranges*, in order.

        Args:
            task: To be found by its name in any process of this version.
            check: Called while there is nothing but waiting.
            to_result: Takes what a task gave back; may raise `Unusable`.
            here: Does in this process what no other one does.

        Raises:
            ListenerError: As a task does.
        """
        done = 0
        if len(ranges) >= FEWEST:
            try:
                with closing(self._there(task, ranges, check)) as there:
                    for given in there:
                        yield to_result(given)
                        done += 1
            except (Unusable, OSError) as error:
                log.warning("scan.alone", error=str(error))
        yield from here(ranges[done:])

    def _there(
        self,
        task: Callable[[Order, IdRange], R],
        ranges: Iterable[IdRange],
        check: Check,
    ) -> Generator[R]:
        ours = fingerprint(self.order.settings)
        with self.executor() as executor:
            futures = [
                executor.submit(_marked, task, self.order, within) for within in ranges
            ]
            for future in futures:
                theirs, given = _awaited(future, check)
                if theirs != ours:
                    raise Unusable(OTHER_VERSION)
                if isinstance(given, ListenerError | Unusable):
                    raise given
                yield given


@contextmanager
def open_pool(processes: int) -> Iterator[Executor]:
    """
    Yield so many processes of this host. They end with the context, and with this
    process, however that ends.
    """
    pool = ProcessPoolExecutor(
        processes,
        multiprocessing.get_context("spawn"),  # this process has threads
        _begin,
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_dask(address: str) -> Iterator[Executor]:
    """
    Yield a Dask cluster by its scheduler's address, such as "tcp://host:8786". Its
    workers must have this version of Evershelf, and reach the database.

    Raises:
        OSError: The scheduler does not answer, or Dask is not installed here.
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
        executor = client.get_executor()
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


def to_processes(asked: int) -> int:
    """
    Return how many processes read, when so many are asked for; 0: as this host can.
    """
    return asked or min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def never() -> None:
    """
    Check nothing: nobody asks to stop.
    """


def _marked(
    task: Callable[[Order, IdRange], R], order: Order, within: IdRange
) -> tuple[str, R | ListenerError | Unusable]:
    """
    Do a task; say with its result by which settings and versions it was done.

    An error is a result, too: Dask waits for ever for one whose traceback is too deep
    for it.
    """
    given: R | ListenerError | Unusable
    try:
        given = task(order, within)
    except ListenerError as error:
        given = error.with_traceback(None)
        given.__cause__ = given.__context__ = None
    except Exception as error:  # noqa: BLE001 the one that asked does it itself
        given = Unusable(f"{type(error).__name__}: {error}")
    return fingerprint(order.settings), given


def _awaited(future: Future[R], check: Check) -> R:
    check()
    while not wait([future], PULSE_S).done:
        check()
    try:
        return future.result()
    except Exception as error:  # whatever an executor ends with, no worker is left
        msg = str(error) or type(error).__name__
        raise Unusable(msg) from error


def _begin() -> None:
    """
    Leave Ctrl+C to the process that began this one, and end when it has ended.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
