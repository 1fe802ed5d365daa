"""
A defect of ours ends the process and spoils nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from listener.model import Model
from listener.publisher import Publisher
from recommender import index as index_module
from recommender.position import State
from recommender.store import DURABLE
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listening import Listening
from tests.support.products import make_catalogue, make_key, make_product


@pytest.fixture(name="listening")
def _listening(tmp_path: Path, clock: FakeClock) -> Listening:
    listening = Listening(tmp_path / "model", FakeSource(make_catalogue(20)), clock)
    listening.settle()
    return listening


def run_into(listening: Listening, defect: type[Exception]) -> None:
    """
    Let the loop run until the defect ends it, as the process would.
    """
    with pytest.raises(defect):
        listening.daemon.run()
    listening.store.close()


def assert_mended(listening: Listening, generation: int) -> None:
    """
    Fail unless servers kept what they had, and a restart brings what was written.
    """
    assert listening.status.state is State.FAILED
    assert listening.reader.read_manifest().generation == generation
    assert listening.reader.read_pointer(DURABLE).generation == generation
    listening.start()
    listening.settle()
    assert listening.snapshot.find(make_key("new"))
    listening.assert_equal()
    listening.stop()


def test_while_publishing(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What could not be published is not passed over: it is read again.
    """
    generation = listening.status.served.generation
    listening.source.put(make_product("new", "red lamp"))

    def fail(*_arguments: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as failing:
        failing.setattr(index_module, "build_segment", fail)
        run_into(listening, ZeroDivisionError)

    assert_mended(listening, generation)


def test_before_publishing(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What was applied before a defect is not published on the way out.
    """
    generation = listening.status.served.generation
    listening.source.put(make_product("new", "red lamp"))
    publish_if_due = Publisher.publish_if_due

    def fail(publisher: Publisher, model: Model, *, idle: bool) -> bool:
        if publisher._schedule.is_waiting:
            raise ZeroDivisionError
        return publish_if_due(publisher, model, idle=idle)

    with monkeypatch.context() as failing:
        failing.setattr(Publisher, "publish_if_due", fail)
        run_into(listening, ZeroDivisionError)

    assert_mended(listening, generation)
