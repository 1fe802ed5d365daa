"""
One stage for all rows of a test process; each begins with the stock followed and served.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.matrix import Scene
from tests.support.stage import Stage, on_stage, staged


@pytest.fixture(name="stage", scope="session")
def _stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(name="scene")
def _scene(stage: Stage) -> Iterator[Scene]:
    with on_stage(stage) as scene:
        yield scene
