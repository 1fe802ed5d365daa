"""
What the doctor says of the database in which generations are published.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pymongo.database import Database

from listener.clock import Clock
from listener.doctor.finding import Verdict
from listener.doctor.outlet import look_at_outlet
from listener.mongo.shelf import Shelf
from recommender.store import Store
from tests.support.examined import examine
from tests.support.processes import to_uri
from tests.support.products import make_index, make_product
from tests.support.shelves import Origin, silence


def test_it_is_looked_at(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    It is told whether something is there, and whether somebody speaks for it.
    """
    uri = to_uri(mongo_uri, database.name)
    empty = look_at_outlet(uri, Clock())
    with Store.open(tmp_path / "origin") as store:
        Origin(store, make_index([make_product()])).put(Shelf("shelf", database))
    well = look_at_outlet(uri, Clock())
    silence(database)
    silent = look_at_outlet(uri, Clock())

    assert empty.verdict is silent.verdict is Verdict.WARN
    assert "nothing is published" in empty.found
    assert "nobody" in silent.found
    assert well.verdict is Verdict.OK


def test_it_is_looked_at_where_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Who publishes nowhere is told nothing of it; a password is not shown.
    """
    monkeypatch.setattr("listener.mongo.client.SELECTION_S", 0.05)
    nowhere = "mongodb://127.0.0.1:1/shop"
    without = examine(nowhere, tmp_path)
    address = "mongodb://me:swordfish@127.0.0.1:1/evershelf"
    beside = examine(nowhere, tmp_path, publish_to=address)

    assert "publications" not in without
    assert beside["publications"].verdict is Verdict.FAIL
    assert "swordfish" not in str(beside["publications"])
