"""
A stream that is read from a secondary, as the shop's address asks for.
"""

from __future__ import annotations

import itertools
import threading

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from pymongo.errors import PyMongoError

from listener.demo.mongod import Mongod
from listener.demo.replica_set import connect
from listener.mongo.client import APP_NAME
from listener.mongo.tokens import to_cluster_time
from recommender.position import ClusterTime
from tests.support.matrix import Scene
from tests.support.mongo import STOP_REPLICATION
from tests.support.set_stage import SetStage, set_staged
from tests.support.stage import on_stage
from tests.support.visitor import to_time
from tests.support.waiting import wait_for


PRODUCT = "lamp-101"


@pytest.fixture(name="trio", scope="module")
def _trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetStage]:
    folder = tmp_path_factory.mktemp("secondary")
    with set_staged(folder, options="&readPreference=secondary") as trio:
        yield trio


def test_row_02_lagging_secondary(trio: SetStage) -> None:
    """
    While the secondary that the stream is read from does not keep up, answers are from
    no later than they say, never from before, and stale; also when the model is trained
    anew meanwhile.
    """
    with on_stage(trio) as scene:
        lagging = wait_for(lambda: streamed_from(trio), what="a stream")
        with repricing(scene) as prices:
            wait_for(lambda: len(prices.acknowledged) > 20)
            trio.members.fail([lagging], STOP_REPLICATION, "alwaysOn")
            scene.wait_for_log("listener.state", reason="behind")
            wait_for(lambda: scene.visitor.look_again().reason == "behind")
            prices.look(trio)
            trio.members.fail([lagging], STOP_REPLICATION, "off")
            for _ in range(20):
                prices.look(trio)
        scene.assert_recovered()
        assert not scene.logs("position.lost")


def streamed_from(trio: SetStage) -> Mongod | None:
    """
    Return the secondary that waits for something to tell the listener.
    """
    for mongod in trio.members.secondaries:
        with connect(mongod.port) as client:
            operations = client.admin.aggregate(
                [
                    {"$currentOp": {"idleCursors": True}},
                    {"$match": {"appName": APP_NAME, "cursor": {"$exists": True}}},
                ]
            )
            if list(operations):
                return mongod
    return None


@dataclass(slots=True)
class Prices:
    """
    The prices of one product, ever higher, and when each was acknowledged.
    """

    acknowledged: list[tuple[ClusterTime, float]] = field(default_factory=list)
    last_seen: float = 0.0

    def look(self, trio: SetStage) -> None:
        """
        Fail unless an answer has all that was acknowledged at its time, and nothing is
        taken back.
        """
        answer = trio.pair.get(f"/v1/products/{PRODUCT}").json
        as_of = to_time(answer["model"]["cluster_time"])
        price = answer["items"][0]["product"]["price"]
        owed = [price for time, price in list(self.acknowledged) if time <= as_of]
        assert price >= max(owed, default=0.0)
        assert price >= self.last_seen
        self.last_seen = price


@contextmanager
def repricing(scene: Scene) -> Iterator[Prices]:
    """
    Write prices in the background, acknowledged by a majority.
    """
    prices, done = Prices(), threading.Event()
    client = scene.collection.database.client

    def write() -> None:
        for price in itertools.count(1.0):
            if done.wait(0.02):
                return
            with suppress(PyMongoError), client.start_session() as session:
                reprice(scene.collection, price, session)
                assert session.operation_time is not None
                time = to_cluster_time(session.operation_time)
                prices.acknowledged.append((time, price))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield prices
    finally:
        done.set()
        thread.join()


def reprice(collection: Any, price: float, session: Any) -> None:
    collection.update_one({"_id": PRODUCT}, {"$set": {"price": price}}, session=session)
