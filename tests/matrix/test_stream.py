"""
The stream fails, and its position does not.
"""

from __future__ import annotations

import time

from typing import Final

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support.matrix import Scene
from tests.support.shop import make_document
from tests.support.stage import Stage


TROUBLE_S: Final = 3.0  # long enough for a hundred tries by one who does not wait
MOST_LINES: Final = 30
REBUILDING: Final = ("rebuild.started", "scan.started", "rebuild.done")
MOST_REBUILDS: Final = 8
MOST_BUSY: Final = 0.35  # of a processor, beside what the test's own questions cost


@pytest.mark.parametrize("how", ["killed cursor", "killed operation", "lost cursor"])
def test_row_03_killed_cursor(stage: Stage, scene: Scene, how: str) -> None:
    """
    A cursor that an operator kills (237), an operation that he kills (11601), or one
    that the server has forgotten (43): the stream goes on from its last position.
    """
    operation = stage.stream_operation()
    admin = stage.client.admin
    match how:
        case "killed cursor":
            cursors = [operation["cursor"]["cursorId"]]
            stage.client["shop"].command("killCursors", "products", cursors=cursors)
        case "killed operation":
            admin.command("killOp", op=operation["opid"])
        case _:
            stage.fail(["getMore"], mode={"times": 1}, errorCode=43)
    scene.collection.insert_one(make_document(500))
    scene.collection.delete_one({"_id": "lamp-101"})
    scene.wait_for_log("model.published", products=120)
    scene.assert_recovered()
    assert not scene.logs("position.lost")


def test_row_06_stream_that_cannot_go_on(stage: Stage, scene: Scene) -> None:
    """
    A fatal error of the stream (280) ends in one rebuild, while the last good model
    serves.
    """
    assert_rebuilt_after(280, "stream_fatal", stage, scene)


def test_row_07_invalid_token(stage: Stage, scene: Scene) -> None:
    """
    So does a token of an invalidated stream (260).
    """
    assert_rebuilt_after(260, "invalid_token", stage, scene)


def test_row_10_event_too_large(stage: Stage, scene: Scene) -> None:
    """
    So does an event that no stream can pass (10334), although our pipeline has none.
    """
    assert_rebuilt_after(10334, "event_too_large", stage, scene)


def assert_rebuilt_after(code: int, reason: str, stage: Stage, scene: Scene) -> None:
    """
    Fail unless a stream that breaks off with *code* is followed by one rebuild.
    """
    stage.fail(["getMore"], mode={"times": 1}, errorCode=code)
    scene.collection.insert_one(make_document(500))
    scene.wait_for_log("position.lost", reason=reason)
    scene.wait_for_log("rebuild.done")
    scene.collection.delete_one({"_id": "lamp-101"})
    scene.assert_recovered()
    assert scene.states == [("rebuilding", reason), ("following", "")]
    assert len(scene.logs("rebuild.started")) == 1


def test_row_10_large_documents(stage: Stage, scene: Scene) -> None:
    """
    A document near the limit of 16 MB that is changed by much passes like any other:
    its event carries only its id.
    """
    big = make_document(500, first="x" * 9_000_000)
    scene.collection.insert_one(big)
    scene.collection.update_one(
        {"_id": big["_id"]}, {"$set": {"second": "y" * 7_000_000}}
    )
    scene.collection.update_one({"_id": big["_id"]}, {"$set": {"price": 3.5}})
    scene.wait_for_log("model.published", products=121)
    scene.assert_recovered()
    item = stage.pair.get(f"/v1/products/{big['_id']}").json["items"][0]
    assert item["product"]["price"] == 3.5


@pytest.mark.parametrize("commands", ["getMore", "getMore aggregate", "find"])
@pytest.mark.parametrize("code", [11601, 280])
def test_row_29_no_busy_loop(
    stage: Stage, scene: Scene, commands: str, code: int
) -> None:
    """
    Trouble that comes back with each try costs neither the processor nor the log, and
    ends when its cause does.
    """
    listener = psutil.Process(stage.pair.listener.pid)
    spent = sum(listener.cpu_times()[:2])
    stage.fail(commands.split(), errorCode=code)
    started = time.monotonic()
    number = 500
    while time.monotonic() - started < TROUBLE_S:
        number += 1
        scene.collection.insert_one(make_document(number))
        time.sleep(0.1)
    busy = (sum(listener.cpu_times()[:2]) - spent) / (time.monotonic() - started)
    lines = [line for line in scene.logs() if line["event"] != "model.published"]
    stage.heal()
    assert len(lines) < MOST_LINES
    assert busy < MOST_BUSY
    scene.assert_recovered(most_lines=dict.fromkeys(REBUILDING, MOST_REBUILDS))
