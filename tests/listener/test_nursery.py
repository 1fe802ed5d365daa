"""
A process that forks others, forked from one that has begun nothing.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import pytest

from listener.nursery import ABSENT, have_process
from listener.pool import open_pool
from tests.support.nursery import running_nursery
from tests.support.processes import ROOT, has_ended
from tests.support.waiting import wait_for


# Has two processes at work, one of them for a long time, and says which has nothing to
# do; what is open afterwards, none of them has.
PROGRAM: Final = """
import os, signal, sys, time

from listener.nursery import open_nursery
from listener.pool import open_pool, work

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
with open_nursery(work), open(sys.argv[1], "w") as lock, open_pool(2) as pool:
    pool.submit(time.sleep, 3_600)
    print(pool.submit(os.getpid).result(60), flush=True)
    sys.stdin.read()
print("over", flush=True)
"""
PATIENCE_S: Final = 60.0


class Circle:
    """
    What refers to itself.
    """

    def __init__(self) -> None:
        self.itself = self


def make_circles() -> None:
    for _ in range(2_000):  # more than a collector that is awake leaves alone
        Circle()
    assert count_circles() == 2_000


def count_circles() -> int:
    return sum(isinstance(one, Circle) for one in gc.get_objects())


class Parent:
    """
    A process with a nursery and two at work.

    Attributes:
        busy: The one that does something for long.
        idle: The one that waits for a task.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.idle = psutil.Process(int(process.stdout.readline()))
        (self.nursery,) = psutil.Process(process.pid).children()
        (self.busy,) = {*self.nursery.children()} - {self.idle}

    @property
    def family(self) -> list[psutil.Process]:
        return [self.nursery, self.busy, self.idle]

    def wait_for_the_end(self) -> None:
        for one in self.family:
            wait_for(lambda one=one: has_ended(one), timeout_s=PATIENCE_S)


@contextmanager
def running(lock: Path) -> Iterator[Parent]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(lock)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a group of its own, as a terminal has
        text=True,
    )
    with process:
        try:
            yield Parent(process)
        finally:
            process.kill()


@pytest.fixture(name="parent")
def _parent(tmp_path: Path) -> Iterator[Parent]:
    with running(tmp_path / "lock") as parent:
        yield parent


def test_all_end_with_the_parent(parent: Parent) -> None:
    """
    However it ends: nothing is left of the nursery and of what it forked.
    """
    parent.process.kill()

    parent.wait_for_the_end()


def test_all_end_before_the_parent_goes_on(parent: Parent) -> None:
    """
    What is under way ends with the pool, and the nursery with its context; nothing of
    the parent's own end happens in them.
    """
    said, _ = parent.process.communicate(timeout=PATIENCE_S)

    assert said == "over\n"
    assert parent.process.returncode == 0
    parent.wait_for_the_end()


def test_garbage_is_looked_for_between_tasks() -> None:
    """
    Not during one; what refers to itself is there until its task is done.
    """
    with running_nursery(), open_pool(1) as pool:
        assert not pool.submit(gc.isenabled).result(PATIENCE_S)
        pool.submit(make_circles).result(PATIENCE_S)

        assert pool.submit(count_circles).result(PATIENCE_S) == 0


def test_an_interrupt_is_for_the_parent(parent: Parent) -> None:
    """
    Ctrl+C, which goes to all of them, leaves it to the parent what is to end.
    """
    for one in parent.family:
        one.send_signal(signal.SIGINT)

    with pytest.raises(psutil.TimeoutExpired):
        psutil.Process(parent.idle.pid).wait(0.5)
    assert not any(map(has_ended, parent.family))

    os.killpg(parent.process.pid, signal.SIGINT)
    assert parent.process.wait(PATIENCE_S) == -signal.SIGINT
    parent.wait_for_the_end()


def test_nothing_that_the_parent_has_opened_since_is_theirs(parent: Parent) -> None:
    """
    Neither files, whose locks would outlive it, nor any line but their own.
    """
    assert [f.path for f in psutil.Process(parent.process.pid).open_files()]
    for one in parent.family:
        assert not one.open_files()
    assert [sockets_of(one.pid) for one in parent.family] == [1, 1, 1]


def sockets_of(pid: int) -> int:
    files = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(file.startswith("socket:") for file in files)


def test_those_that_ended_leave_nothing(parent: Parent) -> None:
    """
    One that is killed ends its pool, and so the others; the nursery lets go of them
    all, and goes on.
    """
    parent.busy.kill()

    wait_for(lambda: not parent.nursery.children(), timeout_s=PATIENCE_S)
    assert not has_ended(parent.nursery)


def test_what_is_asked_of_a_nursery_that_ended_is_refused() -> None:
    """
    Whoever asks is told by an error: nobody waits.
    """
    with running_nursery() as nursery:
        nursery.kill()
        nursery.wait(PATIENCE_S)

        with pytest.raises(OSError, match="Broken pipe"):
            have_process()


def test_nobody_is_asked_where_there_is_none() -> None:
    """
    A process that began without a nursery has no pool.
    """
    with pytest.raises(ChildProcessError, match=ABSENT), open_pool(1):
        pytest.fail("opened")
