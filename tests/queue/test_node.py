"""
A backend in Node, which knows nothing of Evershelf.
"""

from __future__ import annotations

import re

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.queue.conftest import PRODUCTS, work
from tests.support import node
from tests.support.processes import ROOT, Pair, Process
from tests.support.queues import sending
from tests.support.valkey import Valkey


pytestmark = [
    pytest.mark.xdist_group("queue-node"),
    pytest.mark.skipif(None in {node.NODE, node.NPM}, reason=node.MISSING),
]

SNIPPETS = re.findall(
    r"^```js\n(.*?)^```$",
    (ROOT / "docs/queue.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
NAME = "evershelf"  # the default

OPEN = """
import { Queue, QueueEvents } from 'bullmq';
const connection = { url: process.env.EVERSHELF_QUEUE_URL };
const queue = new Queue('evershelf', { connection });
const events = new QueueEvents('evershelf', { connection });
await events.waitUntilReady();
const say = (value) => process.stdout.write(JSON.stringify(value));
"""
CLOSE = """
await events.close();
await queue.close();
"""

Say = Callable[[str], Any]


@pytest.fixture(scope="module", name="worker")
def _worker(
    shop: Pair, server: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Process]:
    """
    A worker of the queue that a shop has without any setting.
    """
    folder = tmp_path_factory.mktemp("worker")
    process = work(shop, server.url, NAME, folder / "worker.log")
    yield process
    process.kill()


@pytest.fixture(scope="module", name="folder")
def _folder() -> Path:
    return node.installed()


@pytest.fixture(name="say")
def _say(worker: Process, folder: Path, server: Valkey) -> Say:
    """
    Runs the middle of a script; returns what it says.
    """
    assert worker.is_running
    environment = {"EVERSHELF_QUEUE_URL": server.url}

    def say(middle: str) -> Any:
        return orjson.loads(node.run(folder, OPEN + middle + CLOSE, environment))

    return say


@pytest.mark.parametrize("kind", ["retrain", "resync", "verify"])
def test_a_result_is_awaited(say: Say, kind: str) -> None:
    """
    `waitUntilFinished` has the products, the generation, the time and the host.
    """
    result = say(f"""
        const job = await queue.add('{kind}', {{}});
        say(await job.waitUntilFinished(events, 60000));
    """)

    assert result["products_count"] == PRODUCTS
    assert result["generation"] > 0
    assert result["took_s"] > 0
    assert result["host"]


def test_progress_is_heard(say: Say) -> None:
    """
    In per cent, as any dashboard shows it.
    """
    heard = say("""
        const heard = [];
        events.on('progress', ({ data }) => heard.push(data));
        const job = await queue.add('verify', {}, { jobId: 'heard' });
        await job.waitUntilFinished(events, 60000);
        for (let turn = 0; heard.length === 0 && turn < 500; turn += 1) {
            await new Promise((then) => setTimeout(then, 20));
        }
        say(heard);
    """)

    assert heard
    assert heard[-1] == 100


def test_a_burst_has_all_its_answers(say: Say, worker: Process) -> None:
    """
    A hundred at once are few runs, and each is answered.
    """
    since = worker.printed
    results = say("""
        const jobs = await queue.addBulk(
            Array.from({ length: 100 }, () => ({ name: 'resync', data: {} })),
        );
        say(await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 60000))));
    """)

    assert len(results) == 100
    assert {result["products_count"] for result in results} == {PRODUCTS}
    assert 1 <= len(worker.logs("job.started", since=since)) <= 2


def test_a_failure_is_heard(say: Say) -> None:
    """
    With its reason, and without what the worker looks like inside.
    """
    said = say("""
        const job = await queue.add('reindex', {});
        const reason = await job.waitUntilFinished(events, 60000).catch(String);
        say([reason, (await queue.getJob(job.id)).stacktrace]);
    """)

    assert "they are retrain, resync, verify" in said[0]
    assert said[1] in ([], None)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_snippets_of_the_page_run(
    worker: Process, folder: Path, server: Valkey, number: int
) -> None:
    """
    Each is a whole program, and ends well.
    """
    assert worker.is_running
    said = node.run(folder, SNIPPETS[number], {"EVERSHELF_QUEUE_URL": server.url})

    assert said.startswith(f"{PRODUCTS} products") == ("console" in SNIPPETS[number])


async def test_the_page_schedules(folder: Path, server: Valkey) -> None:
    """
    What its last snippet schedules is there for whatever worker comes.
    """
    node.run(folder, SNIPPETS[-1], {"EVERSHELF_QUEUE_URL": server.url})
    async with sending(server.url, NAME) as queue:
        (scheduler,) = await queue.getJobSchedulers()
        await queue.removeJobScheduler(scheduler["key"])

    assert scheduler["pattern"] == "0 4 * * 0"
    assert scheduler["name"] == "resync"
