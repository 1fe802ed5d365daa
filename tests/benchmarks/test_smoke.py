"""
Every measurement, on a catalogue small enough to take seconds. No figure is judged here.
"""

from __future__ import annotations

import math

from pathlib import Path

import orjson
import pytest

from benchmarks import runs
from benchmarks.environment import environment
from benchmarks.goals import GOALS, KINDS, QUERIES
from benchmarks.load import plot
from benchmarks.measurements import MEASUREMENTS
from benchmarks.real import read_icecat
from benchmarks.report import to_record
from benchmarks.runs import ICECAT, run
from benchmarks.shop import Effort, Place
from benchmarks.stages import STAGES


PRODUCTS = 1_000
BRIEF = Effort(samples=3, window_s=0.3, rounds=1, longest_s=1.0)
ACROSS_RUNS = {"growth.processor", "growth.written"}


def series(*keys: str) -> set[str]:
    return {f"{key}.{part}" for key in keys for part in ("median", "p99")}


EXPECTED = {
    "cold_build": {"cold_build"},
    "footprint": {
        "footprint.listener",
        "footprint.server",
        "footprint.worker",
        "footprint.disk",
    },
    "query": series("query.http", *(f"query.{query}" for query in QUERIES)),
    "engine": series(*(f"engine.{query}" for query in QUERIES)),
    "package": {"package.time", "package.memory"},
    "freshness": series(*(f"freshness.{kind}" for kind in KINDS)),
    "under_load": series("under_load"),
    "throughput": {
        "throughput.warm.rate",
        "throughput.warm.processor",
        "throughput.cold.rate",
        "throughput.cold.processor",
    },
    "load": {
        f"load.{servers}.{part}"
        for servers in (1, 2)
        for part in (
            "rate",
            "processor",
            "errors",
            "overload.rate",
            "overload.p99",
            "overload.health",
        )
    },
    "workers": {
        f"workers.{part}" for part in ("processor", "rate", "errors", "reach", "memory")
    },
    "cost": {"cost.price", "cost.text", "cost.rest"},
    "stages": {f"stages.{stage}" for stage in STAGES},
    "restart": {"restart.listener", "restart.server"},
    "recovery": {
        "recovery.outage",
        "recovery.hung",
        "recovery.listener",
        "recovery.answer",
    },
    "updates": {
        "updates.listener",
        "updates.listener.most",
        "updates.server",
        "updates.server.most",
        "updates.rate",
    },
    "bulk": {"bulk"},
    "exactness": {"exactness"},
}


@pytest.mark.timeout(600)
def test_every_measurement_gives_its_figures(mongo_uri: str, tmp_path: Path) -> None:
    """
    Each measurement yields the figures that it promises, all of them numbers, and the
    whole is fit for the record.
    """
    place = Place(mongo_uri, tmp_path)
    done = run(place, str(PRODUCTS), list(MEASUREMENTS), BRIEF, lambda _: None)

    assert done.failed == {}
    there = [keys for name, keys in EXPECTED.items() if name not in done.absent]
    assert done.absent.keys() <= {"package"}  # where node is not
    assert {figure.key for figure in done.figures} == set().union(*there)
    assert all(math.isfinite(figure.ours) for figure in done.figures)
    assert {f.key for f in done.figures if not f.ours > 0} <= {
        "exactness",
        "workers.errors",
        "load.1.errors",
        "load.2.errors",
        "recovery.outage",  # it may be followed before its start has been noticed
        "cost.price",  # what is used at rest is taken off
        "cost.text",
    }
    assert done.catalogue["products"] >= PRODUCTS
    assert done.catalogue["vocabulary"] > PRODUCTS
    assert 30 < done.catalogue["terms_each"] < 42
    assert "<polyline" in str(plot(done.figures))
    record = orjson.loads(orjson.dumps(to_record(environment(), [done], [])))
    assert record["environment"]["cores"] >= 1
    assert len(record["runs"][0]["figures"]) == len(done.figures)


def test_every_measurement_is_expected() -> None:
    """
    No measurement and no goal lacks a figure.
    """
    keys = set().union(*EXPECTED.values())

    assert EXPECTED.keys() == MEASUREMENTS.keys()
    assert {goal.key for goal in GOALS} <= keys | ACROSS_RUNS


def test_absent_catalogue_is_skipped_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without the real catalogue its run says so, and needs no database.
    """
    absent = tmp_path / "icecat.jsonl.gz"
    monkeypatch.setattr(runs, "read_icecat", lambda: read_icecat(absent))
    nowhere = Place("mongodb://127.0.0.1:1", tmp_path)

    done = run(nowhere, ICECAT, list(MEASUREMENTS), BRIEF, lambda _: None)

    assert "icecat" in done.skipped
    assert done.figures == []
