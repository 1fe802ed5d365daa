"""
A job at hand, when the queue's server goes away.
"""

from __future__ import annotations

import asyncio

import pytest

from bullmq import Queue
from bullmq.custom_errors import DelayedError

from listener.queue.errands import Errands
from listener.queue.ledger import Ledger
from listener.queue.server import open_client
from listener.queue.taker import Taker
from listener.signals import Stop
from recommender.masking import Secrets
from tests.support.documents import make_settings
from tests.support.ports import free_port


pytestmark = pytest.mark.xdist_group("queue-parts")


async def test_a_server_that_goes_away_costs_no_attempt(own_queue: Queue) -> None:
    """
    The job is not told to have failed, however few attempts it has: it is left to the
    server, which gives it out once more.
    """
    client = open_client(f"redis://127.0.0.1:{free_port()}")
    taker = Taker(
        errands=Errands(make_settings(), "", Stop()),
        ledger=Ledger(client, own_queue.keys),
        stopping=asyncio.Event(),
        per_hour=0,
        host="here",
        secrets=Secrets(),
    )
    job = await own_queue.add("retrain", {}, {"attempts": 1})

    with pytest.raises(DelayedError):
        await taker.take(job, "token")

    assert await own_queue.getJobState(job.id) == "waiting"
    await client.aclose()
