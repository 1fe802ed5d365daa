"""
More callers than a process may have files, who say nothing: products go on to be
followed and served.
"""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket

from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from pymongo.collection import Collection

from tests.support.processes import Pair, Process
from tests.support.shop import make_document
from tests.support.waiting import wait_for


FILES = 200
CALLERS = 300


@contextlib.contextmanager
def crowded(process: Process, port: int) -> Iterator[None]:
    """
    Let more callers wait at a process than it may have files.
    """
    hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (FILES, hard))
    with contextlib.ExitStack() as stack:
        for _ in range(CALLERS):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
        process.wait_for_log("server.full")
        yield


@pytest.mark.parametrize("place", ["server", "listener"])
def test_crowd_does_not_stop_the_products(
    shop: Pair, collection: Collection[dict[str, Any]], place: str
) -> None:
    """
    Callers at either port get no file that the process needs itself: what is written
    meanwhile is served to who is in, and those outside come in when there is room.
    """
    process = {"server": shop.server, "listener": shop.listener}[place]
    port = {"server": shop.port, "listener": shop.control_port}[place]
    inside = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)

    def status(path: str) -> int:
        inside.request("GET", path)
        answer = inside.getresponse()
        answer.read()
        return answer.status

    with contextlib.closing(inside):
        assert status("/health/ready") == 200
        with crowded(process, port):
            collection.insert_one(make_document(500, _id="late"))
            wait_for(lambda: status("/v1/products/late") == 200)
            assert psutil.Process(process.pid).num_fds() < FILES
        wait_for(lambda: shop.control("/health/ready").status == 200)
    assert shop.get("/health/ready").status == 200
    assert len(process.logs("server.full")) == 1
    for name in ("model.load_failed", "publish.failed", "position.failed"):
        assert not shop.server.logs(name)
        assert not shop.listener.logs(name)
    assert all("Traceback" not in one.text for one in (shop.server, shop.listener))
