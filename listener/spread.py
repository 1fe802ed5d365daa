"""
A task done by other processes for each range of ids: some of this host, or those of a
Dask cluster.

Either is an executor of `concurrent.futures`. A task is told the settings and the
database's address, so that any process that reaches the database may do it.
"""

from __future__ import annotations

import os

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from listener.build import Check
from listener.feed import IdRange
from listener.mapping import fingerprint
from recommender.settings import ListenerSettings


FEWEST: Final = 3  # ranges that are worth the start of processes, a second or two
MOST_PROCESSES: Final = 4  # unless more are asked for: the database is kept busy, too
PULSE_S: Final = 0.25
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
            here: Does in this process what no other one does, be it that it does not
                reach the database; may raise whatever it raises.
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
        with ExitStack() as stack:
            for future in self._begun(task, ranges, stack):
                theirs, given = _awaited(future, check)
                if theirs != ours:
                    raise Unusable(OTHER_VERSION)
                if isinstance(given, Unusable):
                    raise given
                yield given

    def _begun(
        self,
        task: Callable[[Order, IdRange], R],
        ranges: Iterable[IdRange],
        stack: ExitStack,
    ) -> Sequence[Future[tuple[str, R | Unusable]]]:
        """
        Return what becomes of the tasks; the executor is open as long as *stack* is.

        Raises:
            Unusable: It does not take them, as when a process has ended already.
        """
        try:
            executor = stack.enter_context(self.executor())
            return [
                executor.submit(_marked, task, self.order, within) for within in ranges
            ]
        except Exception as error:  # each has its own ways to refuse
            raise _unusable(error) from error


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
) -> tuple[str, R | Unusable]:
    """
    Do a task; say with its result by which settings and versions it was done.

    An error is a result, too: Dask waits for ever for one whose traceback is too deep
    for it.
    """
    given: R | Unusable
    try:
        given = task(order, within)
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
        raise _unusable(error) from error


def _unusable(error: Exception) -> Unusable:
    return Unusable(str(error) or type(error).__name__)
