"""
The classic debounce: one retrain for many updates.
"""

from __future__ import annotations

import time

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pymongo.database import Database

from tests.support.processes import Pair, running, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


QUIET_S: Final = 3.0


@pytest.fixture(name="patient_shop")
def _patient_shop(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> Iterator[Pair]:
    database["products"].insert_many([make_document(i) for i in range(58)])
    settings = {
        "EVERSHELF_QUIET_S": str(QUIET_S),
        "EVERSHELF_MAX_STALENESS_S": "300",
    }
    uri = to_uri(mongo_uri, database.name)
    with running(tmp_path / "data", uri, settings) as pair:
        yield pair


def test_many_updates_one_retrain(
    patient_shop: Pair, database: Database[dict[str, Any]]
) -> None:
    """
    Updates one after the other are published once, a while after the last.
    """
    before = len(patient_shop.listener.logs("model.published"))
    for number in range(58, 68):
        written = time.monotonic()
        database["products"].insert_one(make_document(number))
        time.sleep(0.05)
    wait_for(lambda: patient_shop.get("/").json["products_count"] == 68)
    took_s = time.monotonic() - written

    lines = wait_for(lambda: patient_shop.listener.logs("model.published")[before:])
    (line,) = lines  # which is logged when servers may have it already
    assert line["inserted"] == 10
    assert took_s >= QUIET_S
    patient_shop.assert_equal()


def test_train_does_not_wait_for_quiet(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    A backend that asks for its write gets it long before the quiet moment.
    """
    database["products"].insert_many([make_document(i) for i in range(58)])
    settings = {"EVERSHELF_QUIET_S": "600", "EVERSHELF_MAX_STALENESS_S": "900"}
    uri = to_uri(mongo_uri, database.name)
    with running(tmp_path / "data", uri, settings) as pair:
        database["products"].insert_one(make_document(58))
        answer = pair.get("/train", method="POST")

        assert answer.status == 200, answer.body
        assert answer.json["products_count"] == 59
        assert "jacket-2" in pair.similar("jacket-58")
