"""
What the doctor says of the collection and its stream.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo.database import Database

from listener.doctor.finding import Verdict
from tests.support.examined import examine, not_checked, verdicts
from tests.support.processes import to_uri
from tests.support.shop import make_document


Shop = Database[dict[str, Any]]


def test_all_is_well(mongo_uri: str, database: Shop, tmp_path: Path) -> None:
    """
    Of a usual shop that has never been followed, everything is ok.
    """
    database["products"].insert_many([make_document(number) for number in range(30)])
    findings = examine(to_uri(mongo_uri, database.name), tmp_path)

    assert set(verdicts(findings).values()) == {Verdict.OK}
    assert findings["collection"].found == (
        f"{database.name}.products, about 30 documents"
    )
    assert "first start" in findings["position"].found
    assert list(tmp_path.iterdir()) == [], "looking changes nothing"


def test_absent(mongo_uri: str, database: Shop, tmp_path: Path) -> None:
    """
    A collection that is not there is a warning with the names that could be meant;
    its stream can be opened all the same.
    """
    database["product"].insert_one({})
    database["orders"].insert_one({})
    findings = examine(to_uri(mongo_uri, database.name), tmp_path)

    assert findings["collection"].verdict is Verdict.WARN
    assert "does not exist" in findings["collection"].found
    assert "has product;" in findings["collection"].remedy
    assert findings["stream"].verdict is Verdict.OK
    assert findings["fields"].verdict is Verdict.WARN


def test_empty(mongo_uri: str, database: Shop, tmp_path: Path) -> None:
    """
    An empty collection is a warning.
    """
    database.create_collection("products")
    findings = examine(to_uri(mongo_uri, database.name), tmp_path)

    assert findings["collection"].verdict is Verdict.WARN
    assert "is empty" in findings["collection"].found


def test_view(mongo_uri: str, database: Shop, tmp_path: Path) -> None:
    """
    A view fails, with the collection behind it as the remedy.
    """
    database["goods"].insert_one(make_document(1))
    database.create_collection("products", viewOn="goods", pipeline=[])
    findings = examine(to_uri(mongo_uri, database.name), tmp_path)

    assert findings["collection"].verdict is Verdict.FAIL
    assert "EVERSHELF_COLLECTION=goods" in findings["collection"].remedy
    assert findings["privileges"].verdict is Verdict.OK
    assert not_checked(findings) >= {"stream", "position", "fields"}


def test_time_series(mongo_uri: str, database: Shop, tmp_path: Path) -> None:
    """
    A time series fails: it has no change stream.
    """
    database.create_collection("products", timeseries={"timeField": "at"})
    findings = examine(to_uri(mongo_uri, database.name), tmp_path)

    assert findings["collection"].verdict is Verdict.FAIL
    assert "time series" in findings["collection"].found
