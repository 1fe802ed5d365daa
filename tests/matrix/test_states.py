"""
What the listener does is told in the same words everywhere; a loop that hangs is seen.
"""

from __future__ import annotations

import os
import time

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recommender.store import POSITION, StoreReader
from server.freshness import LISTENER_SILENT
from tests.support.matrix import Scene
from tests.support.stage import Stage
from tests.support.waiting import wait_for


HOST_UNREACHABLE = 6


def test_state_is_told_everywhere(stage: Stage, scene: Scene) -> None:
    """
    Log, control port, position file, `/v1/model`, health and answers agree; the server
    stays ready.
    """
    stage.fail(["getMore", "aggregate"], errorCode=HOST_UNREACHABLE)
    scene.wait_for_log("listener.state", state="retrying", reason="unreachable")
    wait_for(lambda: scene.visitor.look_again().reason == "unreachable")

    model = stage.pair.get("/v1/model").json
    control = stage.pair.control("/").json
    position = StoreReader(stage.pair.data_dir / "model").read_position()
    assert position is not None
    for state, reason in (
        (model["state"], model["reason"]),
        (control["state"], control["reason"]),
        (position.state.value, position.reason),
    ):
        assert (state, reason) == ("retrying", "unreachable")
    assert model["stale"]
    assert stage.pair.get("/").json["status"] == "stale"
    assert stage.pair.get("/health/ready").status == 200
    assert stage.pair.control("/health/ready").status == 200
    assert stage.pair.control("/health/live").status == 200

    stage.heal()
    scene.assert_recovered()
    assert stage.pair.get("/").json["status"] == "ok"


def test_stop_is_told(stage: Stage, scene: Scene) -> None:
    """
    A listener that was stopped is told from one that died.
    """
    stage.pair.listener.stop()
    wait_for(lambda: scene.visitor.look_again().reason == "stopping")
    assert stage.pair.get("/v1/model").json["state"] == "stopping"
    assert stage.pair.get("/health/ready").status == 200
    stage.pair.listener.start()
    scene.assert_recovered()


def test_listener_that_hangs(stage: Stage, scene: Scene) -> None:
    """
    A process that does nothing any more is silent after a few seconds.
    """
    with stage.pair.listener.suspended():
        wait_for(lambda: scene.visitor.look_again().reason == LISTENER_SILENT)
        assert stage.pair.get("/health/ready").status == 200
    scene.assert_recovered()


def test_loop_that_hangs(stage: Stage, scene: Scene) -> None:
    """
    A loop that waits for ever, while the control port goes on answering, is not alive.
    """
    with hung_disk(stage.pair.data_dir / "model"):
        wait_for(lambda: scene.visitor.look_again().reason == LISTENER_SILENT)
        wait_for(lambda: stage.pair.control("/health/live").status == 503, timeout_s=90)
        assert stage.pair.control("/").json["state"] == "following"
        assert stage.pair.get("/health/live").status == 200
        assert stage.pair.get("/health/ready").status == 200
    scene.assert_recovered(errors={"position.failed"})
    assert stage.pair.control("/health/live").status == 200


@contextmanager
def hung_disk(folder: Path) -> Iterator[None]:
    """
    Let the next writing of the position file wait for as long as the context lasts: in
    its place is a pipe from which nobody reads.
    """
    beside, aside = folder / f"{POSITION}.new", folder / "pipe"
    os.mkfifo(aside)
    wait_for(lambda: is_linked(aside, beside))
    try:
        yield
    finally:
        beside.unlink()
        reader = os.open(aside, os.O_RDONLY | os.O_NONBLOCK)
        since_s = time.time()
        wait_for(lambda: (folder / POSITION).stat().st_mtime > since_s)
        os.close(reader)
        aside.unlink()


def is_linked(path: Path, name: Path) -> bool:
    """
    Give a file another name, unless there is another file of that name now.
    """
    with suppress(FileExistsError):
        name.hardlink_to(path)
        return True
    return False
