"""
Members of a replica set of three go away, come back, and elect another primary.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from pymongo.errors import PyMongoError

from listener.demo.mongod import Mongod
from tests.support.matrix import Scene
from tests.support.mongo import STOP_REPLICATION, suspended
from tests.support.set_stage import ALONE, SetStage, set_staged
from tests.support.shop import Seller, make_document, selling
from tests.support.stage import REGULARS, on_stage
from tests.support.waiting import wait_for


# What a server says when its role changes or its peers cannot be had.
ELECTION_CODES = (6, 7, 89, 91, 189, 9001, 10107, 11600, 11602, 13435, 13436)
RESUMABLE = "ResumableChangeStreamError"
NOTICED_S = 30.0


@pytest.fixture(name="trio", scope="module")
def _trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetStage]:
    with set_staged(tmp_path_factory.mktemp("trio")) as trio:
        yield trio


@pytest.fixture(name="scene")
def _scene(trio: SetStage) -> Iterator[Scene]:
    with on_stage(trio) as scene:
        yield scene
    trio.members.heal()


@pytest.fixture(name="seller")
def _seller(scene: Scene) -> Seller:
    return Seller(scene.collection, seed=1, spared=REGULARS)


def test_row_01_primary_killed_and_started_again(
    trio: SetStage, scene: Scene, seller: Seller
) -> None:
    """
    The primary is killed under writes; the next one is followed, and the old one's
    return changes nothing.
    """
    killed = trio.members.primary
    with selling(seller):
        killed.kill()
        assert trio.members.primary is not killed
        wait_for_writes(seller)
        killed.start()
        wait_for_writes(seller)
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def test_row_01_primary_restarted(trio: SetStage, scene: Scene, seller: Seller) -> None:
    """
    A primary that is stopped for maintenance and started again costs nothing.
    """
    stopped = trio.members.primary
    with selling(seller):
        stopped.stop()
        wait_for_writes(seller)
        stopped.start()
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def test_row_01_all_members_down(trio: SetStage, scene: Scene, seller: Seller) -> None:
    """
    While no member is there the last good model serves, stale; then it goes on.
    """
    with selling(seller):
        for mongod in trio.members.members:
            mongod.kill()
        scene.wait_for_log("listener.state", state="retrying", reason="unreachable")
        wait_for(lambda: scene.visitor.look_again().reason == "unreachable")
        for mongod in trio.members.members:
            mongod.start()
        wait_for_writes(seller)
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def test_row_01_sockets_reset(trio: SetStage, scene: Scene) -> None:
    """
    Connections that break in the middle of a command are opened again.
    """
    for number, command in enumerate(("getMore", "find", "aggregate", "hello")):
        trio.fail([command], mode={"times": 2}, closeConnection=True)
        scene.collection.insert_one(make_document(500 + number))
        trio.pair.listener.wait_for_log("model.published", products=121 + number)
        trio.heal()
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def is_another(trio: SetStage, before: Mongod) -> bool:
    """
    Say whether the primary is another than *before*.
    """
    return trio.members.primary is not before


def test_row_02_elections(trio: SetStage, scene: Scene, seller: Seller) -> None:
    """
    Primaries step down under writes; each next one is followed.
    """
    with selling(seller):
        for _ in range(2):
            before = trio.members.primary
            step_down(trio)
            wait_for(partial(is_another, trio, before))
            wait_for_writes(seller)
    scene.assert_recovered()
    assert not scene.logs("position.lost")


@pytest.mark.parametrize("label", [RESUMABLE, ""])
def test_row_02_what_servers_say_in_elections(
    trio: SetStage, scene: Scene, label: str
) -> None:
    """
    Whatever a server says of its role, and whether or not it calls that resumable, the
    stream goes on from its own position.
    """
    labels = [label] if label else []
    for number, code in enumerate(ELECTION_CODES):
        trio.fail(["getMore"], mode={"times": 1}, errorCode=code, errorLabels=labels)
        scene.collection.insert_one(make_document(500 + number))
        scene.wait_for_log("model.published", products=121 + number)
    scene.assert_recovered(most_lines={"listener.state": len(ELECTION_CODES)})
    assert not scene.logs("position.lost")


def test_row_02_rollback(trio: SetStage, scene: Scene) -> None:
    """
    What an isolated primary has acknowledged and lost again was never in the model.
    """
    isolated = trio.members.primary
    others = trio.members.secondaries
    trio.members.fail(others, STOP_REPLICATION, "alwaysOn")
    ghost = make_document(777, price=1.0)
    collection = scene.collection.with_options(write_concern=ALONE)
    collection.insert_one(ghost)
    collection.update_one({"_id": "lamp-101"}, {"$set": {"name": "kettle ghost"}})
    collection.delete_one({"_id": "tent-99"})
    give_it_time(scene)
    with suspended([isolated]):
        trio.members.fail(others, STOP_REPLICATION, "off")
        wait_for(lambda: trio.members.primary in others)
        wait_for(lambda: is_written(scene, make_document(778)))
        scene.wait_for_log("model.published", products=121)
    trio.members.heal()
    assert collection.find_one({"_id": ghost["_id"]}) is None
    assert trio.pair.get(f"/v1/products/{ghost['_id']}").status == 404
    scene.assert_recovered()
    published = {line["products"] for line in scene.logs("model.published")}
    assert published <= {120, 121}, "the ghost was published"


def test_row_18_primary_hangs(trio: SetStage, scene: Scene) -> None:
    """
    A primary that holds its connections and says nothing is left for the next one.
    """
    hung = trio.members.primary
    with suspended([hung]):
        began = time.monotonic()
        wait_for(lambda: trio.members.primary is not hung)
        wait_for(lambda: is_written(scene, make_document(600)))
        scene.wait_for_log("model.published", products=121, timeout_s=60)
        assert time.monotonic() - began < NOTICED_S
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def test_row_19_no_majority(trio: SetStage, scene: Scene) -> None:
    """
    A member that is left alone takes no writes, though its stream stays open and
    silent: that is an outage. It is over when the others are back.
    """
    with suspended(trio.members.secondaries):
        scene.wait_for_log("listener.state", state="retrying", reason="unreachable")
        wait_for(lambda: scene.visitor.look_again().reason == "unreachable")
    wait_for(lambda: is_written(scene, make_document(610)))
    scene.assert_recovered()


def test_row_19_writes_that_no_majority_has(trio: SetStage, scene: Scene) -> None:
    """
    A primary whose writes reach no other member goes on taking them, while the stream
    says nothing: the model is behind, and says so; then all of it is there.
    """
    with patient(trio):
        # All of them, as whoever is elected meanwhile would have the others follow it.
        trio.members.fail(trio.members.members, STOP_REPLICATION, "alwaysOn")
        alone = scene.collection.with_options(write_concern=ALONE)
        alone.insert_one(make_document(620))
        scene.wait_for_log("listener.state", state="catching_up", reason="behind")
        wait_for(lambda: scene.visitor.look_again().reason == "behind")
        alone.insert_one(make_document(621))
        wait_for(lambda: trio.pair.get("/v1/model").json["lag_ms"] >= 5_000)
        assert trio.pair.get("/v1/model").json["state"] == "catching_up"
        trio.members.fail(trio.members.members, STOP_REPLICATION, "off")
        scene.assert_recovered()
    assert scene.states == [("catching_up", "behind"), ("following", "")]


@contextmanager
def patient(trio: SetStage) -> Iterator[None]:
    """
    Have nobody elected because a busy machine was slow to say that it is there.
    """
    before = reconfigure(trio, 60_000)
    try:
        yield
    finally:
        reconfigure(trio, before)


def reconfigure(trio: SetStage, timeout_ms: int) -> int:
    """
    Set how long silence of the primary is borne; return how long it was.
    """
    config = trio.client.admin.command("replSetGetConfig")["config"]
    settings = config["settings"] | {"electionTimeoutMillis": timeout_ms}
    changed = config | {"version": config["version"] + 1, "settings": settings}
    trio.client.admin.command("replSetReconfig", changed)
    before: int = config["settings"]["electionTimeoutMillis"]
    return before


def step_down(trio: SetStage) -> None:
    trio.client.admin.command("replSetStepDown", 2, force=True)


def wait_for_writes(seller: Seller, count: int = 20) -> None:
    wanted = seller.writes + count
    wait_for(lambda: seller.writes >= wanted)


def is_written(scene: Scene, document: dict[str, object]) -> bool:
    """
    Try to write; whoever cannot be reached may have written it all the same.
    """
    try:
        scene.collection.replace_one({"_id": document["_id"]}, document, upsert=True)
    except PyMongoError:
        return False
    return True


def give_it_time(scene: Scene) -> None:
    """
    Let the listener say its position a few times: what it would have taken by then, it
    would have published.
    """
    seen = len(scene.visitor.visits)
    wait_for(lambda: len(scene.visitor.visits) >= seen + 100)
