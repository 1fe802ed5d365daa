"""
A real Prometheus that scrapes a running pair.
"""

from __future__ import annotations

import json
import shutil

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pymongo.database import Database

from tests.support.metrics import expressions, names_in
from tests.support.processes import Pair, running, to_uri
from tests.support.prometheus import Prometheus, prometheus
from tests.support.shop import make_document
from tests.support.waiting import wait_for


ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
BOARD = json.loads((ROOT / "deploy/grafana/evershelf.json").read_text())
QUERIES = [
    *expressions(BOARD),
    *expressions(yaml.safe_load(ALERTS.read_text())),
]
KEY = "only-for-scrapes"
JOBS = ("evershelf-listener", "evershelf-server")
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None,
    reason="prometheus is missing: apt-get install prometheus",
)


@pytest.fixture(name="pair")
def _pair(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> Iterator[Pair]:
    database["products"].insert_many([make_document(i) for i in range(58)])
    settings = {"EVERSHELF_METRICS_KEYS": KEY}
    with running(tmp_path / "data", to_uri(mongo_uri, database.name), settings) as pair:
        yield pair


@pytest.fixture(name="scraped")
def _scraped(pair: Pair, tmp_path: Path) -> Iterator[Prometheus]:
    ports = dict(zip(JOBS, (pair.control_port, pair.port), strict=True))
    folder = tmp_path / "prometheus"
    with prometheus(folder, ports, key=KEY, rules=[ALERTS]) as scraped:
        yield scraped


def to_query(expression: str) -> str:
    """
    Return a dashboard's query with everything chosen.
    """
    return expression.replace("$listener", ".*").replace("$server", ".*")


def test_all_that_is_asked_for_is_there(
    scraped: Prometheus, pair: Pair, database: Database[dict[str, Any]]
) -> None:
    """
    Both processes are scraped with the key, each metric that the dashboard or an alert
    names has series, each query is answered, no rule fails, and the figures are those
    of what was done.
    """
    products = database["products"]
    products.insert_one(make_document(58))
    products.update_one({"_id": "tent-3"}, {"$set": {"price": 1.0}})
    products.delete_one({"_id": "kettle-0"})
    for _ in range(3):
        pair.similar("tent-7")
    assert pair.get("/v1/products/nobody").status == 404

    def is_counted() -> bool:
        events = scraped.query('sum(evershelf_listener_events_total{kind="delete"})')
        asked = scraped.query('evershelf_server_requests_total{status="404"}')
        return bool(events and float(events[0]["value"][1]) == 1 and asked)

    wait_for(is_counted, timeout_s=PATIENCE_S, what="the counts")
    up = scraped.query("up == 1")
    assert sorted(one["metric"]["job"] for one in up) == sorted(JOBS)

    named = set().union(*map(names_in, QUERIES))
    assert len(named) > 40

    wait_for(
        lambda: not_there(scraped, named) == [],
        timeout_s=PATIENCE_S,
        what="a series of each metric",
    )
    for expression in QUERIES:
        scraped.query(to_query(expression))

    wait_for(
        lambda: all(rule["health"] == "ok" for rule in rules(scraped)),
        timeout_s=PATIENCE_S,
        what="the rules",
    )
    assert not [rule["name"] for rule in rules(scraped) if rule["state"] == "firing"]

    assert value(scraped, "evershelf_server_visible_products") == 58
    assert value(scraped, "evershelf_listener_products") == 58
    assert value(scraped, 'evershelf_listener_state{state="following"}') == 1
    delays = value(scraped, "evershelf_listener_write_to_publish_seconds_count")
    assert 1 <= delays <= 3
    wait_for(
        lambda: value(scraped, "evershelf_server_write_to_serve_seconds_count") >= 1,
        timeout_s=PATIENCE_S,
        what="a write that is served",
    )


def test_end_of_a_listener_is_noticed(scraped: Prometheus, pair: Pair) -> None:
    """
    When the listener is killed the alert is pending with the next scrapes, and the
    server says that it is stale.
    """
    wait_for(lambda: len(scraped.query("up == 1")) == 2, timeout_s=PATIENCE_S)
    pair.listener.kill()

    wait_for(
        lambda: (
            {rule["name"] for rule in rules(scraped) if rule["state"] == "pending"}
            >= {"EvershelfListenerDown", "EvershelfStale"}
        ),
        timeout_s=PATIENCE_S,
        what="the alerts",
    )


def not_there(scraped: Prometheus, names: Iterable[str]) -> list[str]:
    """
    Return the metrics without series.
    """
    missing = [name for name in names if not scraped.query(name)]
    assert not missing, missing
    return missing


def rules(scraped: Prometheus) -> list[Any]:
    """
    Return what it says of each rule.
    """
    return [rule for group in scraped.get("rules")["groups"] for rule in group["rules"]]


def value(scraped: Prometheus, expression: str) -> float:
    """
    Return the value of the only series.
    """
    (one,) = scraped.query(expression)
    return float(one["value"][1])
