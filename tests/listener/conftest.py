"""
What the tests of the listener share.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from structlog.testing import capture_logs

from recommender.store import Store, StoreReader
from tests.support.clock import FakeClock


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


@pytest.fixture(name="reader")
def _reader(tmp_path: Path) -> StoreReader:
    return StoreReader(tmp_path / "model")
