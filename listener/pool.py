"""
Processes of this host that do tasks.

Each has a pipe of its own, so that any of them may end at any time, be it in the middle
of what it gives back: then nobody waits for the rest of it, as whoever reads from a pipe
that several processes share would for ever.
"""

from __future__ import annotations

import gc
import os
import socket
import threading

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from listener.nursery import have_process


ENDED: Final = "a process ended before its task"


class _Task(NamedTuple):
    """
    What is to be done, and who waits for it.
    """

    future: Future[Any]
    do: Callable[..., Any]
    arguments: tuple[Any, ...]


class Pool(Executor):
    """
    Gives tasks to processes, one at a time to each, in order.

    A task that raises ends its process. A process that ends, ends its task, and all that
    none has begun with, by `BrokenProcessPool`; what others are doing goes on.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()  # None: no more follow
        self._lines: list[socket.socket] = []  # one to each process
        self._lock = threading.Lock()
        self._is_broken = False

    def start(self, processes: int) -> None:
        """
        Start so many more.

        Raises:
            OSError: There is nobody who would begin them.
        """
        for _ in range(processes):
            line = have_process()
            self._lines.append(line)
            threading.Thread(
                target=self._attend, args=[line], name="pool", daemon=True
            ).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """
        Return what will become of a task, which other processes find by its name.

        Raises:
            BrokenProcessPool: A process has ended.
        """
        task = _Task(Future(), fn, args)
        with self._lock:
            if self._is_broken:
                raise BrokenProcessPool(ENDED)
            self._tasks.put(task)
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """
        End all processes, whatever they are doing.
        """
        del wait, cancel_futures
        for line in self._lines:
            self._tasks.put(None)
            with suppress(OSError):  # it has been closed
                line.shutdown(socket.SHUT_RDWR)

    def _attend(self, line: socket.socket) -> None:
        with line, Connection(os.dup(line.fileno())) as pipe:
            while (task := self._tasks.get()) is not None:
                try:
                    pipe.send((task.do, task.arguments))
                    given = pipe.recv()
                except Exception:  # noqa: BLE001 whatever it is, there is no result
                    task.future.set_exception(BrokenProcessPool(ENDED))
                    self._break()
                else:
                    task.future.set_result(given)

    def _break(self) -> None:
        with self._lock:
            self._is_broken = True
            with suppress(Empty):
                while True:
                    task = self._tasks.get_nowait()
                    if task is not None:
                        task.future.set_exception(BrokenProcessPool(ENDED))
            for _ in self._lines:
                self._tasks.put(None)


@contextmanager
def open_pool(processes: int) -> Iterator[Executor]:
    """
    Yield so many processes of this host. They end with the context, and with this
    process, however that ends.
    """
    pool = Pool()
    try:
        pool.start(processes)
        yield pool
    finally:
        pool.shutdown()


def work(line: socket.socket) -> None:
    """
    Do what is asked for at the other end of *line*, in a process that does nothing
    else.

    The garbage collector waits until a task is done: a task makes millions of objects,
    next to none of which it has to find, and looking at them took a fourteenth of a
    build.
    """
    gc.freeze()
    gc.disable()
    pipe = Connection(line.detach())
    while True:
        try:
            do, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(do(*arguments))
        gc.collect()
