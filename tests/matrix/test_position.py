"""
The stream's position is lost, or nearly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from listener.mongo.tokens import to_place, token_time
from recommender import manifest as manifests
from recommender.position import ClusterTime
from recommender.store import DURABLE, SEGMENTS, StoreReader
from tests.support.matrix import Scene, wait_until_current
from tests.support.shop import make_document
from tests.support.stage import Stage


def test_row_04_fell_behind_the_oplog(stage: Stage, scene: Scene) -> None:
    """
    An open stream over which the oplog rolls (136) is lost; the model is rebuilt aside.
    """
    with stage.pair.listener.suspended():
        scene.collection.delete_one({"_id": "lamp-101"})
        scene.collection.insert_one(make_document(500))
        stage.roll_oplog()
    scene.wait_for_log("position.lost", reason="fell_behind")
    scene.assert_recovered()
    assert len(scene.logs("position.lost")) == 1
    assert scene.states == [("rebuilding", "fell_behind"), ("following", "")]


def test_row_05_token_aged_out_of_the_oplog(stage: Stage, scene: Scene) -> None:
    """
    A token that has left the oplog while the listener was down (286) ends in a rebuild
    by itself, while the last good model serves.
    """
    stage.pair.listener.stop()
    scene.collection.update_one({"_id": "tent-99"}, {"$set": {"price": 1.0}})
    stage.roll_oplog()
    stage.pair.listener.start()
    scene.wait_for_log("position.lost", reason="history_lost")
    scene.assert_recovered()
    assert len(scene.logs("position.lost")) == 1
    assert ("rebuilding", "history_lost") in scene.states


def test_row_15_deletes_missed_while_down(stage: Stage, scene: Scene) -> None:
    """
    Deletes that no stream tells of any more are in the model after the rebuild: there
    are no ghosts.
    """
    stage.pair.listener.stop()
    gone = [make_document(i)["_id"] for i in range(60, 70)]
    scene.collection.delete_many({"_id": {"$in": gone}})
    stage.roll_oplog()
    stage.pair.listener.start()
    scene.wait_for_log("rebuild.done", products=110)
    scene.assert_recovered()
    for id_ in gone:
        assert stage.pair.get(f"/v1/products/{id_}").status == 404


def test_row_11_idle_collection_beside_a_busy_oplog(stage: Stage, scene: Scene) -> None:
    """
    While other collections fill the oplog, and nobody writes a product, the position
    moves on: after a restart the stream goes on, and nothing is read anew.
    """
    for _ in range(2):
        stage.roll_oplog()
    stage.pair.listener.stop()
    scene.collection.insert_one(make_document(500))
    stage.pair.listener.start()
    scene.assert_recovered()
    assert not scene.logs("scan.started")
    assert not scene.logs("position.lost")


DAMAGES: Final[dict[str, Callable[[Path], object]]] = {
    "empty pointer": lambda store: (store / DURABLE).write_bytes(b""),
    "truncated segment": lambda store: truncate(a_segment(store)),
    "overwritten segment": lambda store: overwrite(a_segment(store)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_row_23_damaged_store(
    stage: Stage, scene: Scene, damage: Callable[[Path], object]
) -> None:
    """
    A listener that finds its store damaged says so and rebuilds it aside; the server
    goes on with what it has.
    """
    stage.pair.listener.stop()
    damage(stage.store.folder)
    scene.collection.delete_one({"_id": "lamp-101"})
    stage.pair.listener.start()
    scene.wait_for_log("store.damaged", level="warning")
    scene.wait_for_log("model.published", cause="rebuild")
    scene.assert_recovered()
    assert ("rebuilding", "store_damaged") in scene.states


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    content = path.read_bytes()
    half = len(content) // 2  # the rest of it: one byte may lie between two arrays
    path.write_bytes(content[:half] + bytes(byte ^ 0xFF for byte in content[half:]))


def a_segment(store: Path) -> Path:
    manifest = StoreReader(store).read_pointer(DURABLE)
    return store / SEGMENTS / manifest.segments[0].name


@pytest.mark.parametrize("token", ['{"x": 1}', '{"_data": "%s"}'])
def test_row_23_bad_token(stage: Stage, scene: Scene, token: str) -> None:
    """
    A token that is none (40647, 9, and whatever a server says of its inside) is a lost
    position, not an outage.
    """
    stage.pair.listener.stop()
    path = stage.store.folder / DURABLE
    manifest = manifests.from_bytes(path.read_bytes())
    data = to_place(manifest.checkpoints["products"]).token["_data"]
    checkpoints = {"products": token.replace("%s", data[:24])}  # 28 may be all
    path.write_bytes(manifests.to_bytes(replace(manifest, checkpoints=checkpoints)))
    scene.collection.delete_one({"_id": "lamp-101"})
    stage.pair.listener.start()
    scene.wait_for_log("position.lost", reason="bad_token")
    scene.assert_recovered()
    assert len(scene.logs("position.lost")) == 1


def test_row_30_position_never_goes_back(stage: Stage, scene: Scene) -> None:
    """
    Over killed operations, refused reads and a crash, neither the durable position nor
    what answers claim ever goes back.
    """
    positions: list[ClusterTime] = []

    def harm(number: int) -> None:
        match number % 3:
            case 0:
                operation = stage.stream_operation()
                stage.client.admin.command("killOp", op=operation["opid"])
            case 1:
                stage.fail(["find", "getMore"], mode={"times": 1}, errorCode=11602)
            case _:
                stage.pair.listener.kill()
                stage.pair.listener.start()

    for number in range(6):
        scene.collection.insert_one(make_document(500 + number))
        harm(number)
        wait_until_current(stage.pair, scene.collection)
        checkpoint = stage.wait_durable().checkpoints["products"]
        positions.append(token_time(to_place(checkpoint).token))
    scene.assert_recovered(most_lines={"listener.started": 3})
    assert positions == sorted(positions)
    assert positions[0] < positions[-1]
