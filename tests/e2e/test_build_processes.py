"""
A listener whose first model other processes build.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from pymongo.collection import Collection

from tests.support.processes import make_pair, to_uri
from tests.support.waiting import wait_for


COUNT = 36_000  # documents: three ranges, for which others are asked
PATIENCE_S = 120.0


def test_processes_build_the_first_model(
    tmp_path: Path, mongo_uri: str, collection: Collection[dict[str, Any]]
) -> None:
    """
    The listener's nursery forks them, they end with the build, and it ends with the
    listener, also when that is killed.
    """
    collection.insert_many({"_id": n, "name": f"kettle {n}"} for n in range(COUNT))
    uri = to_uri(mongo_uri, collection.database.name)
    settings = {"EVERSHELF_BUILD_PROCESSES": "2"}
    with make_pair(tmp_path / "data", uri, settings) as pair:
        listener = pair.listener
        listener.start()
        listener.wait_for_log("rebuild.done", products=COUNT, timeout_s=PATIENCE_S)

        assert not listener.logs("scan.alone")
        (nursery,) = psutil.Process(listener.pid).children()
        wait_for(lambda: not nursery.children())
        assert nursery.cpu_times().children_user > 0  # those that it has forked

        listener.kill()
        wait_for(lambda: not nursery.is_running())


@pytest.mark.parametrize(
    "settings",
    [
        {"EVERSHELF_BUILD_PROCESSES": "1"},
        {"EVERSHELF_DASK_ADDRESS": "tcp://127.0.0.1:1"},
    ],
    ids=["one", "dask"],
)
def test_no_nursery_where_none_is_needed(
    tmp_path: Path,
    mongo_uri: str,
    collection: Collection[dict[str, Any]],
    settings: dict[str, str],
) -> None:
    """
    A listener that builds by itself, or by a cluster, has no process beside it.
    """
    uri = to_uri(mongo_uri, collection.database.name)
    with make_pair(tmp_path / "data", uri, settings) as pair:
        pair.listener.start()
        pair.listener.wait_for_log("listener.started", timeout_s=PATIENCE_S)

        assert not psutil.Process(pair.listener.pid).children()
