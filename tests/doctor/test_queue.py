"""
What the doctor says of a queue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from listener.doctor.finding import Verdict
from listener.doctor.queue import judge_queue, look_at_queue
from tests.support.examined import examine
from tests.support.valkey import valkey


PASSWORD = "swordfish"  # noqa: S105 of nothing
ADDRESS = "redis://:***@host"
WORKER = {"name": "bull:evershelf:w:host"}


@pytest.mark.parametrize(
    ("info", "clients", "verdict", "found"),
    [
        ({"redis_version": "7.0.15"}, [WORKER], Verdict.OK, "a worker waits"),
        ({"redis_version": "6.2"}, [{"name": ""}, WORKER], Verdict.OK, "a worker"),
        ({"redis_version": "6.0.16"}, [WORKER], Verdict.FAIL, "too old"),
        ({"redis_version": "7.0.15"}, [{"name": "bull:other:w"}], Verdict.WARN, "no"),
        (
            {"redis_version": "8.0", "maxmemory_policy": "allkeys-lru"},
            [WORKER],
            Verdict.WARN,
            "allkeys-lru",
        ),
    ],
)
def test_a_queue_is_judged(
    info: dict[str, Any], clients: list[dict[str, Any]], verdict: Verdict, found: str
) -> None:
    """
    By its server's version, by what that drops, and by who waits for jobs.
    """
    finding = judge_queue(ADDRESS, "evershelf", info, clients)

    assert finding.verdict is verdict
    assert found in finding.found


def test_a_server_is_looked_at(tmp_path: Path) -> None:
    """
    A real one answers; a wrong password and an end of it are told without it.
    """
    with valkey(tmp_path / "valkey", password=PASSWORD) as server:
        well = look_at_queue(server.url, "evershelf")
        wrong = look_at_queue(server.url.replace("sword", "blow"), "evershelf")
    away = look_at_queue(server.url, "evershelf")

    assert well.verdict is Verdict.WARN
    assert "no worker" in well.found
    assert wrong.verdict is away.verdict is Verdict.FAIL
    assert "fish" not in f"{well} {wrong} {away}"


def test_it_is_looked_at_where_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Who has no queue is told nothing of one.
    """
    monkeypatch.setattr("listener.mongo.client.SELECTION_S", 0.05)
    nowhere = "mongodb://127.0.0.1:1/shop"
    without = examine(nowhere, tmp_path)
    beside = examine(nowhere, tmp_path, queue_url="redis://127.0.0.1:1")

    assert "queue" not in without
    assert beside["queue"].verdict is Verdict.FAIL
