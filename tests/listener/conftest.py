"""
What the tests of the listener share.
"""

from __future__ import annotations

import subprocess

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo.collection import Collection
from structlog.testing import capture_logs

from recommender.store import Store, StoreReader
from tests.support.clock import FakeClock
from tests.support.nursery import running_nursery
from tests.support.proving import DOCUMENTS, Proving


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="logs")
def _logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "model") as store:
        yield store


@pytest.fixture(name="nursery", scope="module")
def _nursery() -> Iterator[subprocess.Popen[bytes]]:
    with running_nursery() as process:
        yield process


@pytest.fixture(name="proving")
def _proving(
    mongo_uri: str,
    collection: Collection[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Proving:
    """
    A collection that is read in some forty ranges.
    """
    monkeypatch.setattr("listener.build.ROWS", 25)
    collection.insert_many(DOCUMENTS)
    return Proving(mongo_uri, collection.database.name, tmp_path / "model")


@pytest.fixture(name="reader")
def _reader(tmp_path: Path) -> StoreReader:
    return StoreReader(tmp_path / "model")
