"""
How soon all is well again. Machines that run tests are busy: the limits are loose, and
`benchmarks/recovery.py` takes the figures.
"""

from __future__ import annotations

import time

from statistics import median

from recommender.position import Position, State
from recommender.store import StoreReader
from tests.support.matrix import Scene
from tests.support.stage import Stage
from tests.support.waiting import wait_for


OUTAGES = 5
AGAIN_S = 2.0  # after the database's return; what is promised at the median
RESTART_S = 30.0  # of a listener; three on a machine with nothing else to do


def test_following_again_after_short_outages(stage: Stage, scene: Scene) -> None:
    """
    A database that is back is followed within two seconds, at the median.
    """
    took = []
    for _ in range(OUTAGES):
        stage.mongod.kill()
        wait_until(stage, State.RETRYING)
        stage.mongod.start()
        returned_s = time.time()
        took.append(wait_until(stage, State.FOLLOWING).written_at_s - returned_s)
    assert median(took) < AGAIN_S, took
    scene.assert_recovered(most_lines={"listener.state": 2 * OUTAGES})


def test_killed_listener(stage: Stage, scene: Scene) -> None:
    """
    The server answers at once, and all the time, while another listener starts.
    """
    stage.pair.listener.kill()
    killed_s = time.time()
    assert scene.visitor.look_again().is_answered
    stage.pair.listener.start()
    scene.wait_for_log("listener.state", state="following")
    assert time.time() - killed_s < RESTART_S
    scene.assert_recovered()


def wait_until(stage: Stage, state: State) -> Position:
    """
    Return the first position that says so.
    """
    reader = StoreReader(stage.pair.data_dir / "model")

    def ask() -> Position | None:
        position = reader.read_position()
        return position if position and position.state is state else None

    return wait_for(ask, timeout_s=60, what=state)
