"""
A queue's server that is away, or has been.
"""

from __future__ import annotations

import asyncio

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo.collection import Collection

from tests.queue.conftest import PRODUCTS, START_S, work
from tests.support.processes import Pair, Process
from tests.support.queues import results, sending
from tests.support.shop import make_document
from tests.support.valkey import REDIS, Valkey, valkey


pytestmark = pytest.mark.xdist_group("queue-outages")

PASSWORD = "sword:fish/9@x"  # noqa: S105 of nothing
NAME = "outages"


@pytest.fixture(name="own_server")
def _own_server(tmp_path: Path) -> Iterator[Valkey]:
    """
    A server of this test's own, which wants a password.
    """
    with valkey(tmp_path / "valkey", password=PASSWORD) as server:
        yield server


@pytest.fixture(name="start")
def _start(
    shop: Pair, own_server: Valkey, tmp_path: Path
) -> Iterator[Callable[..., Process]]:
    """
    Starts workers of it; ends what still runs.
    """
    started: list[Process] = []

    def start(**settings: str) -> Process:
        output = tmp_path / f"worker-{len(started)}.log"
        started.append(work(shop, own_server.url, NAME, output, **settings))
        return started[-1]

    yield start
    for process in started:
        if process.is_running:
            process.kill()


async def add(server: Valkey, kind: str) -> str:
    """
    Return the id of a job that a sender adds.
    """
    async with sending(server.url, NAME) as queue:
        return str((await queue.add(kind, {})).id)


async def test_a_server_that_is_away_is_waited_for(
    start: Callable[..., Process],
    own_server: Valkey,
    shop: Pair,
    products: Collection[dict[str, Any]],
) -> None:
    """
    It is said once that it is lost, and once that it is found; meanwhile the collection
    is followed as ever.
    """
    worker = start()
    first = await add(own_server, "retrain")
    worker.wait_for_log("job.done", id=first)
    own_server.stop()
    lost = worker.wait_for_log("queue.lost")
    since = shop.listener.printed
    added = [make_document(2000 + number) for number in range(3)]
    for number, document in enumerate(added):
        products.insert_one(document)
        await asyncio.to_thread(
            shop.listener.wait_for_log, "model.published", since=since,
            products=PRODUCTS + number + 1,
        )  # fmt: skip
        await asyncio.sleep(2)  # as long as the worker's own pulse
    products.delete_many({"_id": {"$in": [one["_id"] for one in added]}})
    own_server.start()
    found = worker.wait_for_log("queue.found")
    second = await add(own_server, "retrain")
    worker.wait_for_log("job.done", id=second)

    assert found["away_s"] >= 6
    assert worker.logs("queue.lost") == [lost]
    assert worker.logs("queue.found") == [found]
    assert not worker.logs("queue.fault")
    assert "sword" not in worker.text
    assert "fish" not in worker.text
    assert "Traceback" not in worker.text
    assert shop.control("/").json["state"] == "following"


async def test_a_job_at_hand_outlives_a_short_outage(
    start: Callable[..., Process], own_server: Valkey, shop: Pair
) -> None:
    """
    Its lock is still its own when the server is back, so it is done once.
    """
    worker = start()
    with shop.listener.suspended():
        job_id = await add(own_server, "resync")
        worker.wait_for_log("job.started", timeout_s=START_S)
        own_server.stop()
        worker.wait_for_log("queue.lost")
        own_server.start()
        worker.wait_for_log("queue.found")
    async with sending(own_server.url, NAME) as queue:
        await results(queue, [job_id])

    assert len(worker.logs("job.started")) == 1


async def test_a_job_whose_end_nobody_took_is_done_again(
    start: Callable[..., Process], own_server: Valkey, shop: Pair
) -> None:
    """
    A server that is away when a job ends has it still, and gives it out once more.
    """
    worker = start()
    with shop.listener.suspended():  # else the job may end before the server
        job_id = await add(own_server, "resync")
        worker.wait_for_log("job.started", timeout_s=START_S)
        own_server.stop()
    worker.wait_for_log("job.done", timeout_s=START_S)
    own_server.start()
    async with sending(own_server.url, NAME) as queue:
        await results(queue, [job_id])

    assert len(worker.logs("job.started", id=job_id)) == 2


async def test_a_server_that_forgot_all_is_set_right(
    start: Callable[..., Process], own_server: Valkey
) -> None:
    """
    One job at a time, a `verify` at its hours, and no answer of before.
    """
    worker = start(EVERSHELF_QUEUE_VERIFY_AT="0 3 * * *")
    worker.wait_for_log("job.done", id=await add(own_server, "retrain"))
    own_server.kill()
    worker.wait_for_log("queue.lost")
    own_server.forget()
    own_server.start()
    worker.wait_for_log("queue.found")
    job_id = await add(own_server, "retrain")
    async with sending(own_server.url, NAME) as queue:
        await results(queue, [job_id])
        assert await queue.getGlobalConcurrency() == 1
        (scheduler,) = await queue.getJobSchedulers()

    assert job_id == "2"  # the first is the scheduler's
    assert scheduler["pattern"] == "0 3 * * *"
    assert len(worker.logs("job.done", kind="retrain")) == 2


async def test_a_server_that_takes_no_writes_is_lost(
    start: Callable[..., Process], own_server: Valkey
) -> None:
    """
    It answers, but no job could be taken.
    """
    worker = start()
    async with sending(own_server.url, NAME) as queue:
        await queue.client.config_set("min-replicas-to-write", 1)
        lost = await asyncio.to_thread(worker.wait_for_log, "queue.lost")
        await queue.client.config_set("min-replicas-to-write", 0)
        await asyncio.to_thread(worker.wait_for_log, "queue.found")

    assert "NOREPLICAS" in lost["error"] or "enough good replicas" in lost["error"]


async def test_a_worker_may_be_started_and_stopped_before_its_server(
    start: Callable[..., Process], own_server: Valkey
) -> None:
    """
    It waits; it ends at once when it is asked to; and it begins when there is one.
    """
    own_server.stop()
    early = start()
    early.wait_for_log("queue.lost")
    assert early.stop() == 0
    late = start()
    late.wait_for_log("queue.lost")
    own_server.start()
    late.wait_for_log("queue.found")
    late.wait_for_log("job.done", id=await add(own_server, "retrain"))

    assert early.logs()[-1]["event"] == "worker.stopped"


async def test_a_server_that_hangs_is_lost(
    start: Callable[..., Process], own_server: Valkey
) -> None:
    """
    One that takes connections and says nothing is as good as none; also then the worker
    ends when it is asked to.
    """
    worker = start()
    worker.wait_for_log("job.done", id=await add(own_server, "retrain"))
    own_server.suspend()
    try:
        worker.wait_for_log("queue.lost", timeout_s=START_S)
        assert worker.stop() == 0
    finally:
        own_server.resume()


@pytest.mark.skipif(REDIS is None, reason="there is no redis-server (Debian's package)")
async def test_the_server_may_be_redis(shop: Pair, tmp_path: Path) -> None:
    """
    All kinds of jobs are done on Debian's Redis, too.
    """
    with valkey(tmp_path / "redis", binary=str(REDIS)) as server:
        worker = work(shop, server.url, NAME, tmp_path / "worker.log")
        try:
            async with sending(server.url, NAME) as queue:
                kinds = ("retrain", "resync", "verify")
                jobs = [await queue.add(kind, {}) for kind in kinds]
                for result in await results(queue, [job.id for job in jobs]):
                    assert result["products_count"] == PRODUCTS
        finally:
            worker.kill()
