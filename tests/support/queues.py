"""
What tests ask of a queue.
"""

from __future__ import annotations

import asyncio
import time

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bullmq import Job, Queue

from tests.support.processes import Process


POLL_S: Final = 0.02
PATIENCE_S: Final = 90.0


@asynccontextmanager
async def sending(url: str, name: str) -> AsyncIterator[Queue]:
    """
    Yield a queue, as its senders have it.
    """
    queue = Queue(name, {"connection": url})
    try:
        yield queue
    finally:
        await queue.close()


async def until(
    ask: Callable[[], Awaitable[bool]], *, what: str, timeout_s: float = PATIENCE_S
) -> None:
    """
    Wait until what is asked is true, but not for ever.
    """
    deadline = time.monotonic() + timeout_s
    while not await ask():
        if time.monotonic() >= deadline:
            msg = f"{what} did not come within {timeout_s} s"
            raise TimeoutError(msg)
        await asyncio.sleep(POLL_S)


async def in_state(queue: Queue, job_id: str, *states: str) -> Any:
    """
    Return a job, once it is in one of some states.
    """

    async def ask() -> bool:
        return await queue.getJobState(job_id) in states

    await until(ask, what=f"job {job_id}, {states}")
    return await Job.fromId(queue, job_id)


async def finished(queue: Queue, job_id: str) -> Any:
    """
    Return a job, once it is completed or has failed for good.
    """
    return await in_state(queue, job_id, "completed", "failed")


async def results(queue: Queue, job_ids: Iterable[str]) -> list[Any]:
    """
    Return what some jobs came to, once all are completed.
    """
    jobs = [await finished(queue, job_id) for job_id in job_ids]
    for job in jobs:
        assert await job.isCompleted(), job.failedReason
    return [job.returnvalue for job in jobs]


@dataclass(frozen=True, slots=True)
class Run:
    """
    From when to when, in seconds, a worker was at a job.
    """

    job_id: str
    began_s: float
    ended_s: float


def runs(workers: Sequence[Process]) -> list[Run]:
    """
    Return the runs that went well, of all workers, in order.
    """
    found: list[Run] = []
    for worker in workers:
        began = {line["id"]: _to_s(line) for line in worker.logs("job.started")}
        found += [
            Run(line["id"], began[line["id"]], _to_s(line))
            for line in worker.logs("job.done")
        ]
    return sorted(found, key=lambda run: run.began_s)


def _to_s(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()
