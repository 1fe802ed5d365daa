"""
A shop that is followed, and a queue beside it.
"""

from __future__ import annotations

import uuid

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bullmq import Queue
from pymongo import MongoClient
from pymongo.collection import Collection

from tests.support.processes import Pair, Process, make_pair, to_uri
from tests.support.queues import sending
from tests.support.shop import make_document
from tests.support.valkey import Valkey, valkey


PRODUCTS = 30
START_S = 60.0  # to import what is compiled, on a busy machine
Start = Callable[..., Process]


class Worker:
    """
    A worker that others have used before.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._since = process.printed

    def logs(self, event: str, **keys: Any) -> list[dict[str, Any]]:
        """
        Return the lines that it has written since.
        """
        return self._process.logs(event, since=self._since, **keys)

    def wait_for_log(self, event: str) -> dict[str, Any]:
        """
        Return the newest such line since, as soon as there is one.
        """
        return self._process.wait_for_log(event, since=self._since, timeout_s=START_S)


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """
    A queue's server of this module's own.
    """
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module", name="products")
def _products(
    mongo_client: MongoClient[dict[str, Any]],
) -> Iterator[Collection[dict[str, Any]]]:
    """
    A shop of a few products.
    """
    name = f"test_{uuid.uuid4().hex[:12]}"
    products = mongo_client[name]["products"]
    products.insert_many([make_document(number) for number in range(PRODUCTS)])
    yield products
    mongo_client.drop_database(name)


@pytest.fixture(scope="module", name="shop")
def _shop(
    tmp_path_factory: pytest.TempPathFactory,
    mongo_uri: str,
    products: Collection[dict[str, Any]],
) -> Iterator[Pair]:
    """
    It, followed by a listener.
    """
    folder = tmp_path_factory.mktemp("shop") / "data"
    with make_pair(folder, to_uri(mongo_uri, products.database.name)) as pair:
        pair.listener.start()
        pair.listener.wait_for_log("listener.state", state="following")
        pair.listener.wait_for_log("model.published")
        yield pair


def work(
    shop: Pair, url: str, queue_name: str, output: Path, **settings: str
) -> Process:
    """
    Return a worker beside the shop's listener, once it is up.
    """
    environment = {
        **shop.environment,
        "EVERSHELF_QUEUE_URL": url,
        "EVERSHELF_QUEUE_NAME": queue_name,
        **settings,
    }
    process = Process("run_listener.py", ["work"], environment, output)
    process.start()
    process.wait_for_log("worker.started", timeout_s=START_S)
    return process


@pytest.fixture(scope="module", name="common")
def _common(
    shop: Pair, server: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Process]]:
    """
    A queue, and a worker of it with nothing set, for the tests of a module that leave
    it as it was.
    """
    name = f"common-{uuid.uuid4().hex[:12]}"
    folder = tmp_path_factory.mktemp("common")
    process = work(shop, server.url, name, folder / "worker.log")
    yield name, process
    process.kill()


@pytest.fixture(name="worker")
def _worker(common: tuple[str, Process]) -> Worker:
    """
    That worker, with what it says from now on.
    """
    return Worker(common[1])


@pytest_asyncio.fixture(name="queue")
async def _queue(server: Valkey, common: tuple[str, Process]) -> AsyncIterator[Queue]:
    """
    That queue, for its senders.
    """
    async with sending(server.url, common[0]) as queue:
        yield queue


@pytest_asyncio.fixture(name="own_queue")
async def _own_queue(server: Valkey) -> AsyncIterator[Queue]:
    """
    A queue of this test's own.
    """
    async with sending(server.url, f"own-{uuid.uuid4().hex[:12]}") as queue:
        yield queue


@pytest.fixture(name="start_worker")
def _start_worker(
    shop: Pair, server: Valkey, own_queue: Queue, tmp_path: Path
) -> Iterator[Start]:
    """
    Starts workers of it; ends what still runs.
    """
    started: list[Process] = []

    def start(**settings: str) -> Process:
        output = tmp_path / f"worker-{len(started)}.log"
        started.append(work(shop, server.url, own_queue.name, output, **settings))
        return started[-1]

    yield start
    for process in started:
        if process.is_running:
            process.resume()
            process.kill()
