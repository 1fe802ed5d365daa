"""
Segments built by other processes: some of this host, or those of a Dask cluster.

Either is an executor of `concurrent.futures`. A task names a range, the settings and
the database's address; its result is a segment as it would lie in a file, whose
checksums are compared on arrival.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from listener.build import Check, Here, build_range
from listener.complaints import Complaints
from listener.errors import ListenerError
from listener.feed import IdRange, Source
from listener.fields import Problem
from listener.opening import open_source, to_weights
from recommender.errors import RecommenderError
from recommender.segment import Segment
from recommender.segment_file import from_buffer, to_chunks, verify_blocks
from recommender.settings import ListenerSettings


FEWEST: Final = 3  # ranges that are worth the start of processes, a second or two
MOST_PROCESSES: Final = 4  # unless more are asked for: the database is kept busy, too
PULSE_S: Final = 0.25
CONNECT_S: Final = 10.0

log = structlog.get_logger()

Open = Callable[[], AbstractContextManager[Executor]]


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a process must know to build a segment of any range.
    """

    settings: ListenerSettings
    uri: str


@dataclass(frozen=True, slots=True)
class Built:
    """
    What it gives back.

    Attributes:
        content: The segment, as a file has it.
        complaints: Keys of products, and what could not be used of them.
    """

    content: bytes
    complaints: Sequence[tuple[bytes, Sequence[Problem]]]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """
    Builds by an executor; here, when there is little to build or the executor fails.

    Attributes:
        order: For each task.
        complaints: Where those of the tasks go.
        executor: Opens one, for one catalogue.
        here: Builds what is not built elsewhere.
    """

    order: Order
    complaints: Complaints
    executor: Open
    here: Here

    def build(
        self, source: Source, ranges: Sequence[IdRange], check: Check
    ) -> Iterator[Segment]:
        """
        See `listener.build.Workshop`.
        """
        done = 0
        if len(ranges) >= FEWEST:
            try:
                for segment in self._build_there(ranges, check):
                    yield segment
                    done += 1
            except (_Broken, OSError) as error:
                log.warning("scan.alone", error=str(error))
        yield from self.here.build(source, ranges[done:], check)

    def _build_there(
        self, ranges: Sequence[IdRange], check: Check
    ) -> Iterator[Segment]:
        with self.executor() as executor:
            futures = [
                executor.submit(build_there, self.order, within) for within in ranges
            ]
            for future in futures:
                built = _awaited(future, check)
                segment = _to_segment(built)
                for key, problems in built.complaints:
                    self.complaints.note(key, problems)
                yield segment


def build_there(order: Order, within: IdRange) -> Built:
    """
    Build the segment of a range, in any process that reaches the database.
    """
    complaints = _Collected()
    with open_source(order.settings, order.uri, complaints) as source:
        segment = build_range(source, within, to_weights(order.settings), _never)
    return Built(b"".join(to_chunks(segment)), complaints.collected)


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
    Return how many processes build, when so many are asked for; 0: as this host can.
    """
    return asked or min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


class _Broken(Exception):  # noqa: N818 the class says what happened
    """
    The executor cannot go on.
    """


def _awaited(future: Future[Built], check: Check) -> Built:
    check()
    while not wait([future], PULSE_S).done:
        check()
    try:
        return future.result()
    except ListenerError:
        raise
    except Exception as error:  # whatever an executor ends with, no worker is left
        msg = str(error) or type(error).__name__
        raise _Broken(msg) from error


def _to_segment(built: Built) -> Segment:
    """
    Return what has come, if it is whole, and of a format that is known here.
    """
    content = memoryview(built.content)
    try:
        verify_blocks(content)
        return from_buffer(content)
    except RecommenderError as error:
        raise _Broken(str(error)) from error


class _Collected:
    """
    See `listener.opening.Notes`: those of one task.
    """

    def __init__(self) -> None:
        self.collected: list[tuple[bytes, Sequence[Problem]]] = []

    def note(self, key: bytes, problems: Sequence[Problem]) -> None:
        if problems:
            self.collected.append((key, problems))


def _never() -> None:
    """
    Nobody asks a task to stop: it takes a second.
    """


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
