"""
Listeners that die, and more of them than there should be.
"""

from __future__ import annotations

from typing import Final

from recommender.exits import Exit
from tests.support.matrix import Scene
from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.shop import Seller, make_document, selling
from tests.support.stage import REGULARS, Stage


# File operations of a life: it starts, publishes and makes that durable within them.
LIVES: Final = 40


def test_row_24_row_25_crash_at_every_step(stage: Stage, scene: Scene) -> None:
    """
    A listener is killed at its first file operation, the next one at its second, and so
    on, while products are written: what has been published is always whole, no write is
    lost, none is repeated, and the collection is not read again.
    """
    stage.wait_durable()
    stage.pair.listener.kill()
    seller = Seller(scene.collection, seed=24, spared=REGULARS)
    with selling(seller):
        lives = Process(
            "tests.support.crashes",
            [str(LIVES)],
            stage.pair.environment,
            stage.pair.data_dir / "lives.log",
        )
        lives.start()
        assert lives.wait(200) == 0, lives.text[-4000:]
    assert "Traceback" not in lives.text
    assert len(lives.logs("listener.started")) >= LIVES - 5
    assert len(lives.logs("model.published")) >= LIVES // 2
    for event in ("scan.started", "position.lost", "store.damaged"):
        assert not lives.logs(event)
    stage.pair.listener.start()
    scene.assert_recovered()
    assert not scene.logs("scan.started")
    assert seller.writes > LIVES


def test_row_26_two_listeners_on_one_store(stage: Stage, scene: Scene) -> None:
    """
    A second listener of the same folder ends at once and says why; the first does not
    notice.
    """
    other = Process(
        "run_listener.py",
        [],
        {**stage.pair.environment, "EVERSHELF_CONTROL_PORT": str(free_port())},
        stage.pair.data_dir / f"other-{free_port()}.log",
    )
    other.start()
    assert other.wait(60) == Exit.UNAVAILABLE
    (line,) = other.logs("listener.failed")
    assert "another listener holds" in line["error"]
    scene.collection.insert_one(make_document(500))
    scene.assert_recovered()
    assert not scene.states
