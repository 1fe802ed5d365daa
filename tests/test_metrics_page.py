"""
docs/metrics.md holds every metric, with its type, labels and meaning.
"""

from __future__ import annotations

import asyncio
import re

from collections.abc import Iterable
from pathlib import Path

import pytest

from listener.clock import Clock
from recommender.store import StoreReader
from server.live import Live
from tests.support.metrics import (
    Described,
    described,
    listener_registry,
    server_registry,
)


PAGE = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text()
FEW = {"cause", "change", "kind", "reason", "route", "state", "status"}


def to_row(metric: Described) -> str:
    """
    Return a metric's line of the page.
    """
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.what} |"


@pytest.fixture(name="metrics")
async def _metrics(tmp_path: Path) -> list[Described]:
    """
    Those of both processes, each once.
    """
    live = Live(StoreReader(tmp_path), asyncio.get_running_loop())
    both: Iterable[Described] = (
        *described(listener_registry(Clock())),
        *described(server_registry(live)),
    )
    return list(dict.fromkeys(both))


def test_page_has_these_metrics_and_no_other(metrics: list[Described]) -> None:
    """
    Each metric has its line, and each line a metric.
    """
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `\w+_", line)]

    assert sorted(rows) == sorted(map(to_row, metrics))


def test_names_follow_the_conventions(metrics: list[Described]) -> None:
    """
    Counters end in `_total`, times are in seconds, and labels are of those few of which
    the values are known.
    """
    for metric in metrics:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric
        assert metric.kind != "histogram" or metric.name.endswith("_seconds"), metric
        assert not metric.name.endswith(("_ms", "_s", "_count", "_sum")), metric
        assert set(metric.labels) <= FEW, metric
