"""
A server that holds its connections and says nothing.
"""

from __future__ import annotations

import os
import signal
import time

from typing import Final

from tests.support.matrix import Scene
from tests.support.shop import make_document
from tests.support.stage import Stage


NOTICED_S: Final = 30.0


def test_row_18_hung_server(stage: Stage, scene: Scene) -> None:
    """
    A mongod that hangs is noticed within half a minute, although no connection breaks;
    answers go on, and when it is itself again it is followed.
    """
    scene.collection.insert_one(make_document(500))
    started = time.monotonic()
    os.kill(stage.mongod.pid, signal.SIGSTOP)
    try:
        scene.wait_for_log("listener.state", state="retrying", reason="unreachable")
        assert time.monotonic() - started < NOTICED_S
        scene.visitor.look_again()
        assert stage.pair.control("/health/live").status == 200
    finally:
        os.kill(stage.mongod.pid, signal.SIGCONT)
    scene.collection.delete_one({"_id": "lamp-101"})
    scene.assert_recovered()
    assert "unreachable" in scene.visitor.reasons
    assert not scene.logs("position.lost")
