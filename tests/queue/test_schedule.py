"""
The hours of `verify`, as they are kept in the queue.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bullmq import Job, Queue, Worker
from redis.exceptions import RedisError

from listener.queue.server import SCHEDULE, Home, open_client
from tests.support.queues import finished, until
from tests.support.valkey import Valkey


pytestmark = pytest.mark.xdist_group("queue-parts")

DAILY = "0 3 * * *"


@asynccontextmanager
async def at_home(server: Valkey, queue: Queue, verify_at: str) -> AsyncIterator[Home]:
    """
    Yield what a worker keeps of a queue.
    """
    client = open_client(server.url)
    home = Home(queue.name, client, verify_at)
    try:
        yield home
    finally:
        await home.queue.close()
        await client.aclose()


async def keep(server: Valkey, queue: Queue, verify_at: str) -> None:
    """
    Do what a worker does as it starts.
    """
    async with at_home(server, queue, verify_at) as home:
        await home.keep()


async def waiting(queue: Queue) -> list[str]:
    """
    Return the ids of what is to be done at its hour.
    """
    return [job.id for job in await queue.getDelayed()]


async def test_what_is_due_outlives_a_start(server: Valkey, own_queue: Queue) -> None:
    """
    A `verify` whose hour came while there was no worker is there for the first one that
    starts, however often they do.
    """
    await keep(server, own_queue, "* * * * * *")
    due = await waiting(own_queue)
    due_ms = int(due[0].rpartition(":")[2])

    async def is_over() -> bool:
        seconds, _ = await own_queue.client.time()
        return int(seconds) * 1000 > due_ms

    await until(is_over, what="its hour")
    await keep(server, own_queue, "* * * * * *")
    await keep(server, own_queue, "* * * * * *")

    assert len(due) == 1
    assert await waiting(own_queue) == due


async def test_another_hour_takes_the_place_of_the_one_before(
    server: Valkey, own_queue: Queue
) -> None:
    """
    There is one of them, whichever worker started last.
    """
    await keep(server, own_queue, DAILY)
    before = await waiting(own_queue)
    await keep(server, own_queue, "0 4 * * *")
    after = await waiting(own_queue)
    await keep(server, own_queue, "")

    assert len(before) == len(after) == 1
    assert before != after
    assert not await waiting(own_queue)


async def test_what_was_lost_is_scheduled_again(
    server: Valkey, own_queue: Queue
) -> None:
    """
    Hours whose next `verify` is not there any more are no hours.
    """
    await keep(server, own_queue, DAILY)
    lost = await waiting(own_queue)
    keys = own_queue.keys
    await own_queue.client.delete(f"{keys['']}{lost[0]}")
    await own_queue.client.delete(keys["delayed"])
    assert (await own_queue.getJobScheduler(SCHEDULE))["pattern"] == DAILY

    await keep(server, own_queue, DAILY)

    assert await waiting(own_queue) == lost


async def test_what_was_done_before_its_hour(server: Valkey, own_queue: Queue) -> None:
    """
    Who has it done by hand, from a dashboard, does not keep a worker from starting that
    would schedule it once more; it is there again after that hour.
    """
    await keep(server, own_queue, DAILY)
    (job,) = await own_queue.getDelayed()
    await job.promote()
    done: list[str] = []

    async def do(job: Job, _token: str) -> None:
        done.append(job.id)

    worker = Worker(own_queue.name, do, {"connection": server.url})
    assert (await finished(own_queue, job.id)).finishedOn
    await worker.close()
    await keep(server, own_queue, "")
    await keep(server, own_queue, DAILY)

    assert done == [job.id]
    assert not await waiting(own_queue)


async def test_a_server_that_forgot_and_goes_away_again(
    server: Valkey, own_queue: Queue
) -> None:
    """
    The hours are kept once more, though that has failed at first.
    """
    client, keys = own_queue.client, own_queue.keys
    async with at_home(server, own_queue, DAILY) as home:
        await home.keep()
        before = await waiting(own_queue)
        await client.delete(*await client.keys(f"{keys['']}*"))
        await client.set(keys["repeat"], "in the way")
        with pytest.raises(RedisError):
            await home.keep()
        await client.delete(keys["repeat"])

        await home.keep()

    assert await waiting(own_queue) == before
