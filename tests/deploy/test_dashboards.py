"""
The dashboard and the alerts, as files.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.metrics import expressions, names_in


ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/evershelf.json"
RULES = [
    rule
    for group in yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]
]
BOARD = json.loads(DASHBOARD.read_text())
TESTED = (Path(__file__).parent / "alerts_test.yml").read_text()
OPERATIONS = (ROOT / "docs/operations.md").read_text()

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is missing: apt-get install prometheus",
)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run it.
    """
    command = [shutil.which("promtool") or "", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )


@needs_promtool
def test_rules_are_rules() -> None:
    """
    Prometheus reads each of them.
    """
    done = promtool("check", "rules", "--lint-fatal", str(ALERTS))

    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_alerts_come_when_they_should() -> None:
    """
    Each is silent while all is well, and comes, not too soon, when it is not.
    """
    done = promtool("test", "rules", str(Path(__file__).parent / "alerts_test.yml"))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """
    It has a severity, what is the matter and what to do, a test, and its line in the
    operating guide.
    """
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].strip()
    assert rule["annotations"]["action"].strip()
    assert f'count(ALERTS{{alertname="{rule["alert"]}"' in TESTED
    assert f"| `{rule['alert']}` | {rule['labels']['severity']} |" in OPERATIONS


def test_no_alert_is_silent_for_want_of_figures() -> None:
    """
    While all is well there are values of whatever an alert looks at.
    """
    (well,) = (
        test
        for test in yaml.safe_load(TESTED)["tests"]
        if test["name"] == "all is well"
    )
    there = {one["series"].partition("{")[0] for one in well["input_series"]}

    assert set().union(*(names_in(rule["expr"]) for rule in RULES)) <= there


def test_guide_has_no_other_alert() -> None:
    """
    What the operating guide explains can come.
    """
    named = set(re.findall(r"`(Evershelf\w+)`", OPERATIONS))

    assert named == {rule["alert"] for rule in RULES}


@needs_promtool
def test_queries_are_queries(tmp_path: Path) -> None:
    """
    Each query of the dashboard is one that Prometheus understands.
    """
    rules = [
        {"record": f"evershelf:query{number}", "expr": expression}
        for number, expression in enumerate(expressions(BOARD))
    ]
    assert len(rules) > 50
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))

    done = promtool("check", "rules", str(path))

    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_lie_beside_each_other() -> None:
    """
    Each has a number of its own, a title, and a place that no other takes.
    """
    panels = BOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    for one, other in itertools.combinations(panels, 2):
        assert not set(cells(one)) & set(cells(other)), (one["title"], other["title"])


def cells(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """
    Yield the places that a panel takes.
    """
    at = panel["gridPos"]
    return itertools.product(
        range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
    )


def test_board_asks_the_source_that_is_chosen() -> None:
    """
    No query is tied to the Prometheus on which it was drawn.
    """
    panels = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
