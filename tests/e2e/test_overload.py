"""
A real server that is asked for twice of what it can give.
"""

from __future__ import annotations

import contextlib

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from http import HTTPStatus
from pathlib import Path

import pytest

from benchmarks.children import SPAWN
from benchmarks.driver import drive
from benchmarks.offered import Offered, offer
from tests.support.processes import Pair, make_pair
from tests.support.products import make_catalogue
from tests.support.shops import make_shop
from tests.support.waiting import wait_for


CATALOGUE = make_catalogue(2_000)
NOWHERE = "mongodb://127.0.0.1:1"
SETTINGS = {
    "EVERSHELF_SHED_AFTER_S": "0.05",
    "EVERSHELF_REQUEST_LINES_PER_S": "10",
}
TRIES = 4  # a busy machine may not let the callers call at their pace


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> Iterator[Pair]:
    """
    A server on a store; there is no listener.
    """
    shop = make_shop(tmp_path / "data" / "model", CATALOGUE)
    with (
        contextlib.closing(shop),
        make_pair(tmp_path / "data", NOWHERE, SETTINGS) as pair,
    ):
        pair.server.start()
        pair.server.wait_for_log("server.started", timeout_s=60)
        wait_for(lambda: pair.get("/health/ready").status == HTTPStatus.OK)
        yield pair


def overload(pair: Pair, paths: list[str]) -> Offered:
    """
    Return what comes of twice what the server can give.
    """
    with ProcessPoolExecutor(1, SPAWN) as pool:
        for _ in range(TRIES):
            most = pool.submit(drive, pair.port, paths, 1.0).result().answers
            done = pool.submit(offer, [pair.port], paths, 2 * most, 2.0).result()
            if done.shed_s:
                return done
    pytest.fail(f"nothing was turned away: {done}")


def test_twice_too_much_is_shed_and_health_is_answered(pair: Pair) -> None:
    """
    Some are answered, the others told to come back; health always is; nothing fails, the
    log is not flooded, and afterwards all is as before.
    """
    paths = [
        f"/v1/products/{number}/similar"
        for number, product in enumerate(CATALOGUE)
        if product.visible
    ]
    assert pair.get(paths[0]).status == HTTPStatus.OK

    done = overload(pair, paths)

    assert done.good_s
    assert (done.unadvised, done.failed, done.health_failed) == (0, 0, 0)
    assert len(done.health_s) >= 20
    assert pair.server.is_running
    assert pair.get(paths[0]).status == HTTPStatus.OK
    lines = pair.server.logs()
    events = [line["event"] for line in lines]
    assert events.count("server.overloaded") <= TRIES
    assert {line["level"] for line in lines} <= {"info", "warning"}
    assert len(lines) < 20 * 10 * TRIES
