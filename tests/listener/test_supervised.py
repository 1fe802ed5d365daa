"""
The listener under a service manager.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo.database import Database

from recommender.supervisor import Supervisor
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listening import Listening
from tests.support.manager import managing
from tests.support.processes import make_pair, to_uri
from tests.support.schemas import make_shop


def test_a_loop_that_hangs_feeds_nobody(tmp_path: Path) -> None:
    """
    Only a turn of the loop feeds the watchdog: time that passes without one does not.
    """
    clock = FakeClock()
    with managing(tmp_path) as manager:
        supervisor = Supervisor.of(manager.environment(30), clock.monotonic)
        listening = Listening(
            tmp_path / "model", FakeSource([]), clock, supervisor=supervisor
        )
        listening.turn()
        assert manager.hear() == ["WATCHDOG=1"]
        clock.advance(300)
        assert manager.hear() == []
        listening.turn()
        assert manager.hear() == ["WATCHDOG=1"]
        listening.stop()


def test_the_listener_tells(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    The real listener is ready once its control port answers, feeds its watchdog, and
    says that it stops before it makes the model durable.
    """
    with (
        managing(tmp_path) as manager,
        make_pair(
            tmp_path, to_uri(mongo_uri, database.name), manager.environment(9)
        ) as pair,
    ):
        pair.listener.start()
        manager.wait_for("READY=1")
        assert pair.control("/health/live").status == 200
        manager.wait_for("WATCHDOG=1")
        manager.wait_for("WATCHDOG=1")
        assert pair.listener.stop() == 0
        assert manager.hear()[-1] == "STOPPING=1"


def test_other_settings_are_no_stop(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    A listener that begins again with what it found out about the documents stops for
    nobody: it never says so before it is asked to.
    """
    database["products"].insert_many(make_shop("german"))
    with (
        managing(tmp_path) as manager,
        make_pair(
            tmp_path, to_uri(mongo_uri, database.name), manager.environment()
        ) as pair,
    ):
        pair.listener.start()
        pair.listener.wait_for_log("schema.decided")
        pair.listener.wait_for_log("listener.state", state="following")
        assert set(manager.hear()) == {"READY=1"}
        assert pair.listener.stop() == 0
        assert manager.hear()[-1] == "STOPPING=1"
