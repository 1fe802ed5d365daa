"""
What cannot be followed at all.
"""

from __future__ import annotations

from pathlib import Path

from recommender.exits import Exit
from tests.support.matrix import Scene
from tests.support.mongo import Standalone, make_mongod
from tests.support.processes import Process, make_pair, to_uri
from tests.support.shop import make_document
from tests.support.stage import STOCK, Stage


def test_row_22_standalone(tmp_path: Path) -> None:
    """
    A server that is no replica set is refused at the start: one line with the remedy,
    and exit code 4.
    """
    with make_mongod(tmp_path / "mongod", kind=Standalone, is_alone=False) as mongod:
        uri = f"mongodb://127.0.0.1:{mongod.port}/shop"
        listener = run_to_its_end(tmp_path / "data", uri)
    assert_refused(listener, "--replSet")


def test_row_22_view(stage: Stage, tmp_path: Path) -> None:
    """
    So is a view; the remedy is to name the collection behind it.
    """
    database = stage.client["viewed"]
    database["products"].drop()
    database.create_collection("products", viewOn="all", pipeline=[])
    listener = run_to_its_end(tmp_path / "data", to_uri(stage.mongod.uri, "viewed"))
    assert_refused(listener, "collection behind it")


def run_to_its_end(data_dir: Path, uri: str) -> Process:
    """
    Return a listener that has ended by itself, as one that is refused must.
    """
    with make_pair(data_dir, uri) as pair:
        pair.listener.start()
        assert pair.listener.wait(60) == Exit.REFUSED, pair.listener.text
        return pair.listener


def assert_refused(listener: Process, remedy: str) -> None:
    """
    Fail unless the listener has said once what to do.
    """
    (line,) = listener.logs("listener.refused")
    assert remedy in line["remedy"]
    assert line["level"] == "error"
    assert "Traceback" not in listener.text


def test_row_22_view_takes_the_place_of_the_collection(
    stage: Stage, scene: Scene
) -> None:
    """
    One that was followed and is a view now is tried again, slowly; the last good model
    serves, and when there is a collection again it is followed.
    """
    database = scene.collection.database
    with stage.pair.listener.suspended():
        scene.collection.rename("behind", dropTarget=True)
        database.create_collection("products", viewOn="behind", pipeline=[])
    refused = scene.wait_for_log("listener.state", state="retrying", reason="refused")
    assert "collection behind it" in refused["remedy"]
    scene.visitor.look_again()

    scene.collection.drop()
    scene.collection.insert_many(map(make_document, range(STOCK + 3)))
    scene.assert_recovered()
    assert "refused" in scene.visitor.reasons
