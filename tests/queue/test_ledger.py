"""
What is known of runs, beside their queue.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bullmq import Queue

from listener.queue.job import Kind, Past
from listener.queue.ledger import Ledger
from listener.queue.server import open_client
from tests.support.valkey import Valkey


pytestmark = pytest.mark.xdist_group("queue-parts")

RESULT = {"products_count": 3}


@pytest_asyncio.fixture(name="ledger")
async def _ledger(server: Valkey, own_queue: Queue) -> AsyncIterator[Ledger]:
    client = open_client(server.url)
    yield Ledger(client, own_queue.keys)
    await client.aclose()


async def test_a_run_is_known_by_the_jobs_before_it(
    ledger: Ledger, own_queue: Queue
) -> None:
    """
    Those that were added while it went on are none of them; other kinds have their own.
    """
    await own_queue.add("retrain", {})
    now_ms = await ledger.now_ms()
    covers = await ledger.begin(Kind.RETRAIN, now_ms)
    await own_queue.add("retrain", {})
    await ledger.end(Kind.RETRAIN, covers, RESULT, now_ms)

    assert await ledger.past(Kind.RETRAIN) == Past(now_ms, 1, RESULT, now_ms)
    assert await ledger.past(Kind.VERIFY) == Past()


async def test_a_run_that_the_server_forgot_answers_nobody(
    ledger: Ledger, own_queue: Queue
) -> None:
    """
    Who is added afterwards has the number of one that it was an answer for.
    """
    await own_queue.add("retrain", {})
    now_ms = await ledger.now_ms()
    covers = await ledger.begin(Kind.RETRAIN, now_ms)
    keys = await own_queue.client.keys(f"{own_queue.keys['']}*")
    await own_queue.client.delete(*keys)
    later = await own_queue.add("retrain", {})
    await ledger.end(Kind.RETRAIN, covers, RESULT, now_ms)

    assert int(later.id) == covers
    assert not (await ledger.past(Kind.RETRAIN)).answers(covers)
