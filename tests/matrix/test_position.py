"""
The stream's position is lost, or nearly.
"""

from __future__ import annotations

from tests.support.matrix import Scene
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
