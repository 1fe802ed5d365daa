"""
Several pairs that share nothing but the database, behind nginx.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pytest

from pymongo import MongoClient

from recommender.snapshot import Snapshot
from recommender.store import StoreReader
from tests.support.hosts import Host, Line, around_database
from tests.support.nginx import NGINX, nginx
from tests.support.processes import ROOT, Answer, Pair, make_pair
from tests.support.segments import row_values
from tests.support.shop import Seller, make_document, selling
from tests.support.visitor import to_time
from tests.support.waiting import wait_for


PATIENCE_S: Final = 120.0
STOCK: Final = 60
REGULARS: Final = tuple(make_document(i)["_id"] for i in range(8))
VISITORS: Final = 6  # addresses of their own, so that each pair has some
UNLIMITED: Final = 1_000_000
SETTINGS: Final = {
    "EVERSHELF_HOST": "0.0.0.0",  # noqa: S104 other hosts ask
    "EVERSHELF_ADMIN_KEYS": "a-key-of-all",
    "EVERSHELF_TRUSTED_PROXIES": "127.0.0.0/8,10.78.0.0/16",
    "EVERSHELF_DURABLE_INTERVAL_S": "0.5",
}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Visitor:
    """
    Asks all the time from an address of its own, and is shown nothing older than it has
    seen: an answer that is older it asks for again, as `client.js` does.

    Attributes:
        faults: Whatever was no answer, or went back in time all the same.
        answers: How many there were.
        again: How many had to be asked for again.
    """

    def __init__(self, address: str, number: int, over: threading.Event) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "",
            parts.port,
            timeout=PATIENCE_S,
            source_address=(f"127.0.1.{number + 1}", 0),
        )
        self._over = over
        self._number = number
        self.faults: list[object] = []
        self.answers = 0
        self.again = 0
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with contextlib.closing(self._connection):
            self._visit()

    def _visit(self) -> None:
        newest = "0:0"
        while not self._over.wait(0.01):
            id_ = REGULARS[(self.answers + self._number) % len(REGULARS)]
            model = self._ask(f"/v1/products/{id_}/similar?limit=5")
            while model and to_time(model["cluster_time"]) < to_time(newest):
                if self._over.is_set():
                    return
                self.again += 1
                query = f"limit=5&wait_ms=5000&after={newest}"
                model = self._ask(f"/v1/products/{id_}/similar?{query}")
            newest = model["cluster_time"] if model else newest
            self.answers += 1

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            self._connection.request("GET", path)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self.faults.append(error)
            return {}
        content = json.loads(body)
        if response.status != HTTPStatus.OK or not content["items"]:
            self.faults.append((response.status, body))
            return {}
        model: dict[str, Any] = content["model"]
        return model


@contextmanager
def visiting(address: str) -> Iterator[list[Visitor]]:
    """
    Yield visitors who ask as long as the context lasts.
    """
    over = threading.Event()
    visitors = [Visitor(address, number, over) for number in range(VISITORS)]
    for visitor in visitors:
        visitor.thread.start()
    try:
        yield visitors
    finally:
        over.set()
        for visitor in visitors:
            visitor.thread.join(PATIENCE_S)


def wait_for_each(visitors: list[Visitor], count: int = 10) -> None:
    """
    Return when each visitor has had so many more answers.
    """
    wanted = [visitor.answers + count for visitor in visitors]
    wait_for(
        lambda: all(v.answers >= w for v, w in zip(visitors, wanted, strict=True)),
        timeout_s=PATIENCE_S,
        what=f"answers for everybody, without {[v.faults[:1] for v in visitors]}",
    )


@dataclass(frozen=True, slots=True)
class Replica:
    """
    A pair on a host, and the lines to it and from it.
    """

    host: Host
    pair: Pair
    address: str
    from_visitors: Line

    @property
    def to_database(self) -> Line:
        """
        The line from it to the database.
        """
        return self.host.to_database

    def start(self) -> None:
        """
        Start both processes.
        """
        with self.host.inside():
            self.pair.listener.start()
            self.pair.server.start()

    def kill(self) -> None:
        """
        End both at once.
        """
        self.pair.listener.kill()
        self.pair.server.kill()

    def wait_until_fresh(self) -> None:
        """
        Return when it follows.
        """

        def is_fresh() -> bool:
            answer = self._ask()
            return answer.status == HTTPStatus.OK and not answer.json["stale"]

        wait_for(is_fresh, timeout_s=PATIENCE_S, what="a fresh pair")

    @property
    def time(self) -> tuple[int, ...]:
        """
        How far it is.
        """
        return to_time(self._ask().json["cluster_time"])

    def assert_equal(self) -> None:
        """
        Fail unless its model is what the collection says.
        """
        with self.host.inside():
            self.pair.assert_equal()

    def rows(self) -> dict[bytes, dict[str, Any]]:
        """
        Return what its model says of each product, by key.
        """
        reader = StoreReader(self.pair.data_dir / "model")
        snapshot = Snapshot.derive(reader.load(reader.read_manifest()))
        found = (
            row_values(view.segment, int(row))
            for view in snapshot.views
            for row in np.flatnonzero(~view.dead)
        )
        return {bytes(values["key"]): values for values in found}

    def _ask(self) -> Answer:
        with self.host.inside():
            return self.pair.get("/v1/model")


@contextmanager
def replicas(
    folder: Path, hosts: list[Host], database: str
) -> Iterator[tuple[Replica, ...]]:
    """
    Yield one on each host, not started yet; the last has the first for its neighbour.
    """
    with ExitStack() as stack:
        made: list[Replica] = []
        for number, host in enumerate(hosts):
            uri = f"mongodb://{host.database}/{database}?directConnection=true"
            settings = dict(SETTINGS)
            if host is hosts[-1]:
                settings["EVERSHELF_NEIGHBOUR"] = f"http://{made[0].address}"
            pair = stack.enter_context(make_pair(folder / str(number), uri, settings))
            address, line = host.open(pair.port)
            made.append(Replica(host, pair, address, line))
        yield tuple(made)


def documented_upstream() -> str:
    """
    Return what the page tells to put before several pairs.
    """
    page = (ROOT / "docs" / "replicas.md").read_text()
    return page.partition("```nginx\n")[2].partition("\n```")[0]


def test_pairs_come_and_go(tmp_path: Path) -> None:
    """
    Under writes and visits a pair is added, by a copy of its neighbour, one is killed,
    one cut off from the database, and one from its visitors: each request is answered,
    nobody goes back in time, and at last all models are the same, and right.
    """
    with ExitStack() as stack:
        mongod, hosts = stack.enter_context(around_database(tmp_path / "mongod", 3))
        client = stack.enter_context(MongoClient[dict[str, Any]](mongod.uri))
        products = client["shop"]["products"]
        products.insert_many([make_document(i) for i in range(STOCK)])
        seller = Seller(products, 7, REGULARS)
        pairs = stack.enter_context(replicas(tmp_path, hosts, "shop"))
        first, second, third = pairs
        for one in (first, second):
            one.start()
            one.wait_until_fresh()
        address = stack.enter_context(
            nginx(
                tmp_path / "nginx",
                [one.address for one in pairs],
                rate_per_s=UNLIMITED,
                upstream=documented_upstream(),
            )
        )
        with selling(seller, every_s=0.05), visiting(address) as visitors:
            wait_for_each(visitors)

            third.start()  # added
            third.wait_until_fresh()
            wait_for_each(visitors)

            first.kill()
            wait_for_each(visitors)
            first.start()
            first.wait_until_fresh()
            wait_for_each(visitors)

            second.to_database.cut()
            wait_for(lambda: second.time < first.time, timeout_s=PATIENCE_S)
            wait_for_each(visitors)
            second.to_database.mend()
            second.wait_until_fresh()

            third.from_visitors.cut()
            wait_for_each(visitors)
            third.from_visitors.mend()
            wait_for_each(visitors)

        assert [visitor.faults for visitor in visitors] == [[]] * VISITORS
        assert third.pair.listener.logs("copy.done")
        assert not third.pair.listener.logs("scan.started")
        for one in pairs:
            one.assert_equal()
        expected = first.rows()
        assert len(expected) == products.count_documents({})
        assert second.rows() == expected
        assert third.rows() == expected
