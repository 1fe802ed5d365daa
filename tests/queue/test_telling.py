"""
How far a job is, as its queue hears it.
"""

from __future__ import annotations

import asyncio

from typing import Any

import orjson
import pytest

from bullmq import Job, Queue

from listener.queue.telling import Telling
from tests.support.queues import until
from tests.support.valkey import Valkey


pytestmark = pytest.mark.xdist_group("queue-parts")


async def heard(queue: Queue, job: Any) -> list[int]:
    """
    Return what was told of a job, in order.
    """
    events = await queue.client.xrange(queue.keys["events"])
    return [
        orjson.loads(event["data"])
        for _, event in events
        if event["event"] == "progress" and event["jobId"] == job.id
    ]


async def test_it_never_falls(own_queue: Queue) -> None:
    """
    However fast it goes on in another thread; the last figure is told before the end,
    and none after it.
    """
    job = await own_queue.add("verify", {})
    telling = Telling(job)

    def work() -> None:
        for percent in range(1, 101):
            telling.tell(percent)

    await asyncio.to_thread(work)
    await telling.end()
    telling.tell(7)
    await asyncio.sleep(0)

    figures = await heard(own_queue, job)
    assert figures[-1] == (await Job.fromId(own_queue, job.id)).progress == 100
    assert figures == sorted(set(figures))


async def test_a_job_that_was_given_back_is_somebody_elses(own_queue: Queue) -> None:
    """
    What is still told of it is not heard.
    """
    job = await own_queue.add("verify", {})
    telling = Telling(job)
    telling.tell(30)

    async def is_heard() -> bool:
        return await heard(own_queue, job) == [30]

    await until(is_heard, what="progress")
    telling.give_up()
    telling.tell(31)
    await asyncio.sleep(0)

    assert await heard(own_queue, job) == [30]


async def test_it_is_no_matter_whether_anybody_hears(
    own_queue: Queue, server: Valkey
) -> None:
    """
    Of a job that is not there any more nothing is told.
    """
    job = await own_queue.add("verify", {})
    await job.remove()
    telling = Telling(job)
    telling.tell(30)
    await asyncio.sleep(0)
    await telling.end()

    assert server.is_running
    assert not await heard(own_queue, job)
