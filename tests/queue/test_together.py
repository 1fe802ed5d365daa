"""
Many jobs and many workers.
"""

from __future__ import annotations

import asyncio

from itertools import pairwise

import pytest

from bullmq import Queue

from tests.queue.conftest import START_S, Start, Worker
from tests.support.processes import Pair
from tests.support.queues import finished, results, runs, until


pytestmark = pytest.mark.xdist_group("queue-together")

BURST = 100
DEBOUNCE_MS = 1_600  # a busy machine may take a second from one job to the next
PROMPT_MS = 2_000
TRIES = 6  # one of them on a machine that has nothing better to do
TAKEOVER_S = 120.0  # a lock's 15 s and an interval's 5 s, on a busy machine


async def test_a_burst_is_two_runs(queue: Queue, worker: Worker, shop: Pair) -> None:
    """
    One that has begun, and one for all who came after; each gets its answer, without
    any option.
    """
    with shop.listener.suspended():
        first = await queue.add("resync", {})
        await asyncio.to_thread(worker.wait_for_log, "job.started")
        burst = [await queue.add("resync", {}) for _ in range(BURST)]
    (one,) = await results(queue, [first.id])
    others = await results(queue, [job.id for job in burst])

    assert len(worker.logs("job.started")) == 2
    assert others == [others[0]] * BURST
    assert others[0]["generation"] > one["generation"]


async def test_a_burst_that_its_sender_deduplicates_is_two_jobs(
    queue: Queue, worker: Worker, shop: Pair
) -> None:
    """
    BullMQ's own way: one is active, and the last of the others comes after it.
    """
    options = {"deduplication": {"id": "resync", "keepLastIfActive": True}}
    with shop.listener.suspended():
        first = await queue.add("resync", {"number": 0}, options)
        await asyncio.to_thread(worker.wait_for_log, "job.started")
        for number in range(1, BURST + 1):
            await queue.add("resync", {"number": number}, options)
        assert await queue.getJobCounts("waiting", "active", "delayed") == {
            "waiting": 0,
            "active": 1,
            "delayed": 0,
        }
    await finished(queue, first.id)

    async def numbers() -> set[int]:
        done = await queue.getCompleted()
        return {job.data["number"] for job in done if "number" in job.data}

    async def is_over() -> bool:
        return BURST in await numbers()

    await until(is_over, what="the last")
    assert await numbers() == {0, BURST}
    assert len(worker.logs("job.started")) == 2


async def test_a_debounce_runs_once_with_the_last(queue: Queue, worker: Worker) -> None:
    """
    With a delay, each of a burst takes the place of the one before.
    """
    options = {
        "delay": DEBOUNCE_MS,
        "deduplication": {
            "id": "retrain", "ttl": DEBOUNCE_MS, "extend": True, "replace": True,
            "keepLastIfActive": True,
        },
    }  # fmt: skip
    waited_ms: list[int] = []
    # a worker that did not know its server would wait for whole seconds
    while min(waited_ms, default=PROMPT_MS) >= PROMPT_MS:
        assert len(waited_ms) < TRIES, waited_ms
        jobs = [await queue.add("retrain", {"n": n}, options) for n in range(20)]
        last = await finished(queue, jobs[-1].id)
        assert last.data == {"n": 19}
        waited_ms.append(last.processedOn - last.timestamp)

    assert len(worker.logs("job.started")) == len(waited_ms)
    assert min(waited_ms) > DEBOUNCE_MS - 50


async def test_two_workers_are_never_at_two_jobs(
    own_queue: Queue, start_worker: Start
) -> None:
    """
    One at a time over all workers, whatever kinds of jobs there are.
    """
    workers = [start_worker(), start_worker()]
    kinds = ["retrain", "resync", "verify"] * 4
    jobs = [
        await own_queue.add(kind, {}, {"jobId": f"{kind}-{number}"})
        for number, kind in enumerate(kinds)
    ]
    await results(own_queue, [job.id for job in jobs])

    found = runs(workers)
    assert len(found) == len(jobs)
    for before, after in pairwise(found):
        assert before.ended_s <= after.began_s


async def test_the_job_of_a_killed_worker_is_done_by_another(
    own_queue: Queue, start_worker: Start, shop: Pair
) -> None:
    """
    Nothing but the end of its lock tells the other.
    """
    first = start_worker()
    with shop.listener.suspended():
        job = await own_queue.add("resync", {})
        first.wait_for_log("job.started", timeout_s=START_S)
        first.kill()
    second = start_worker()
    async with asyncio.timeout(TAKEOVER_S):
        await results(own_queue, [job.id])

    assert second.logs("job.done", id=job.id)
    assert not first.logs("job.done")


async def test_runs_keep_their_distance(own_queue: Queue, start_worker: Start) -> None:
    """
    At most so many an hour of each kind, at even distances, over all workers and also
    for jobs that no run can share; another kind is not held back.
    """
    per_hour, distance_s = 1800, 2.0
    workers = [start_worker(EVERSHELF_QUEUE_PER_HOUR=str(per_hour)) for _ in range(2)]
    jobs = [await own_queue.add("retrain", {}, {"jobId": f"own-{n}"}) for n in range(3)]
    other = await own_queue.add("resync", {})
    await results(own_queue, [other.id, *(job.id for job in jobs)])

    found = runs(workers)
    own = [run for run in found if run.job_id != other.id]
    # A run begins after its job was taken, and before its line is written.
    taken_s = [
        (await finished(own_queue, run.job_id)).processedOn / 1000 for run in own
    ]
    began = [run.began_s for run in own]
    gaps = [after - before for before, after in pairwise(began)]
    assert len(own) == 3
    for before, after in zip(taken_s, began[1:], strict=False):
        assert after - before >= distance_s - 0.01
    assert max(gaps) < distance_s + 8  # nothing stalls
    assert next(run for run in found if run.job_id == other.id).began_s < began[1]
    assert any(worker.logs("job.put_off") for worker in workers)


async def test_a_burst_that_is_held_back_is_one_run(
    own_queue: Queue, start_worker: Start
) -> None:
    """
    When its time has come one run answers all who wait.
    """
    worker = start_worker(EVERSHELF_QUEUE_PER_HOUR="1200")
    first = await own_queue.add("retrain", {})
    await finished(own_queue, first.id)
    jobs = [await own_queue.add("retrain", {}) for _ in range(BURST)]
    answers = await results(own_queue, [job.id for job in jobs])

    assert len(worker.logs("job.started")) == 2
    assert answers == [answers[0]] * BURST
