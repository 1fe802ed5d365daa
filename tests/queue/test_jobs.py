"""
Jobs that are done: what they come to, and what is said of them.
"""

from __future__ import annotations

import asyncio
import socket

from typing import Any

import pytest

from bullmq import Queue
from pymongo.collection import Collection

from tests.queue.conftest import PRODUCTS, START_S, Start, Worker
from tests.support.processes import Pair
from tests.support.queues import finished, in_state, results, until
from tests.support.shop import make_document


pytestmark = pytest.mark.xdist_group("queue-jobs")


async def test_a_retrain_answers_when_what_was_written_before_is_published(
    queue: Queue, shop: Pair, products: Collection[dict[str, Any]]
) -> None:
    """
    Its result has the products, the generation, how long it took and on which host.
    """
    products.insert_one(make_document(1000))
    try:
        job = await queue.add("retrain", {})
        (result,) = await results(queue, [job.id])

        assert result["products_count"] == PRODUCTS + 1
        assert shop.control("/").json["generation"] >= result["generation"] > 0
        assert 0 < result["took_s"] < 60
        assert result["host"] == socket.gethostname()
    finally:
        products.delete_one({"_id": make_document(1000)["_id"]})


async def test_a_resync_trains_from_scratch(queue: Queue, shop: Pair) -> None:
    """
    The listener does it, as `POST /train?full=1` has it done.
    """
    since = shop.listener.printed
    job = await queue.add("resync", {})
    (result,) = await results(queue, [job.id])

    (done,) = shop.listener.logs("rebuild.done", since=since)
    assert done["products"] == result["products_count"] == PRODUCTS
    assert result["generation"] == shop.control("/").json["generation"]


async def test_a_verify_compares_and_tells_how_far_it_is(
    queue: Queue, worker: Worker
) -> None:
    """
    It is what `run_listener.py verify` does; progress is in per cent of what is read.
    """
    job = await queue.add("verify", {})
    (result,) = await results(queue, [job.id])

    assert result["products_count"] == PRODUCTS
    assert worker.logs("verify.done")[0]["equal"]

    async def is_told() -> bool:
        return (await finished(queue, job.id)).progress == 100

    await until(is_told, what="progress")


async def test_a_model_that_differs_fails_its_verify_once(
    own_queue: Queue, start_worker: Start
) -> None:
    """
    Another try would find the same, so there is none.
    """
    worker = start_worker(EVERSHELF_WEIGHTS='{"name": 9}')
    job = await own_queue.add("verify", {}, {"attempts": 3})
    failed = await finished(own_queue, job.id)

    assert "not proven" in failed.failedReason
    assert " 0 differences" not in failed.failedReason
    assert failed.attemptsMade == 1
    assert failed.stacktrace == []
    assert len(worker.logs("job.failed")) == 1


async def test_what_nobody_can_do_fails_for_good(queue: Queue, worker: Worker) -> None:
    """
    It says which names there are, and the worker goes on.
    """
    job = await queue.add("reindex", {}, {"attempts": 3})
    failed = await finished(queue, job.id)
    after = await queue.add("retrain", {})

    assert "retrain, resync, verify" in failed.failedReason
    assert failed.attemptsMade == 1
    assert await results(queue, [after.id])
    assert len(worker.logs("job.unknown", name="reindex")) == 1


async def test_a_sender_says_how_often_to_try(
    own_queue: Queue, start_worker: Start
) -> None:
    """
    Its attempts and its backoff hold, also when it wants no second one; then the job
    fails with the last reason. A backoff that only the sender knows is ours.
    """
    worker = start_worker(EVERSHELF_CONTROL_PORT="1")  # where nobody answers
    options = {"attempts": 3, "backoff": {"type": "fixed", "delay": 50}}
    job = await own_queue.add("retrain", {}, options)
    failed = await finished(own_queue, job.id)
    once = await own_queue.add("retrain", {}, {"attempts": 1})
    unknown = {"attempts": 2, "backoff": {"type": "ours", "delay": 50}}
    twice = await own_queue.add("retrain", {}, unknown)

    assert failed.attemptsMade == 3
    assert "refused" in failed.failedReason
    assert [line["attempt"] for line in worker.logs("job.failed")] == [1, 2, 3]
    assert (await finished(own_queue, once.id)).attemptsMade == 1
    assert (await finished(own_queue, twice.id)).attemptsMade == 2


async def test_a_job_with_a_delay_is_done_after_it(
    queue: Queue, worker: Worker
) -> None:
    """
    A run that began before is no answer: its sender wants what is written until then.
    """
    later = await queue.add("retrain", {}, {"delay": 1_000})
    now = await queue.add("retrain", {})
    await results(queue, [now.id, later.id])

    assert [line["id"] for line in worker.logs("job.started")] == [now.id, later.id]


async def test_an_id_of_its_own_is_no_number(queue: Queue, worker: Worker) -> None:
    """
    Though it may look like one, it says nothing of when the job was added.
    """
    first = await queue.add("retrain", {})
    await results(queue, [first.id])
    own = await queue.add("retrain", {}, {"jobId": "01"})
    await results(queue, [own.id])

    assert [line["id"] for line in worker.logs("job.started")] == [first.id, "01"]


async def test_a_job_waits_for_a_listener_that_starts_again(
    queue: Queue, worker: Worker, shop: Pair
) -> None:
    """
    Its sender has said nothing of trying again.
    """
    shop.listener.stop()
    try:
        job = await queue.add("retrain", {})
        await in_state(queue, job.id, "delayed")
        assert len(worker.logs("job.failed", attempt=1, attempts=5)) == 1
    finally:
        since = shop.listener.printed
        shop.listener.start()
        shop.listener.wait_for_log("listener.state", since=since, state="following")
    (result,) = await results(queue, [job.id])

    assert result["products_count"] == PRODUCTS


async def test_a_worker_that_is_stopped_gives_its_job_back(
    own_queue: Queue, start_worker: Start, shop: Pair
) -> None:
    """
    It ends at once, and another does the job without waiting for any lock to end.
    """
    first = start_worker()
    with shop.listener.suspended():
        job = await own_queue.add("resync", {})
        first.wait_for_log("job.started", timeout_s=START_S)
        assert await asyncio.to_thread(first.stop) == 0
        state = await own_queue.getJobState(job.id)
    second = start_worker()
    (result,) = await results(own_queue, [job.id])

    assert state in {"delayed", "waiting"}
    assert first.logs("job.handed_back", id=job.id)
    assert first.logs()[-1]["event"] == "worker.stopped"
    assert second.logs("job.done", id=job.id)
    assert result["products_count"] == PRODUCTS
