"""
A user who may find, follow and list, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.doctor.role import to_role
from recommender.exits import Exit
from tests.support.processes import make_pair, running
from tests.support.secured import FIND, WATCH, Secured, secured
from tests.support.shop import make_document
from tests.support.waiting import wait_for


@pytest.fixture(name="shop", scope="module")
def _shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as shop:
        shop.admin["shop"]["products"].insert_many(
            [make_document(number) for number in range(58)]
        )
        yield shop


def test_it_is_enough(shop: Secured, tmp_path: Path) -> None:
    """
    Such a user follows each kind of write, verifies, examines and resyncs; while all
    that the database notes down of it are reads.
    """
    uri = shop.add("least", to_role("shop", "products")["privileges"])
    database = shop.admin["shop"]
    products = database["products"]
    database.command("profile", 2)
    with running(tmp_path / "data", uri) as pair:
        products.insert_one(make_document(100))
        products.update_one({"_id": "lamp-1"}, {"$set": {"price": 1.0}})
        products.delete_one({"_id": "kettle-0"})
        wait_for(lambda: pair.get("/v1/products/kettle-0/similar").status == 404)
        wait_for(lambda: "kettle-100" in pair.similar("kettle-4"))
        pair.assert_equal()
        for command in ("doctor", "resync"):
            code, process = pair.run(command)
            assert code == 0, process.text
        pair.assert_equal()
        assert pair.listener.stop() == 0
        code, process = pair.run("resync")
        assert code == 0, process.text
    database.command("profile", 0)

    noted = list(database["system.profile"].find({"appName": "evershelf-listener"}))
    assert {line["op"] for line in noted} == {"query", "command", "getmore"}
    commands = {next(iter(line["command"])) for line in noted}
    assert commands <= {
        "aggregate", "count", "find", "getMore", "listCollections", "killCursors",
        "endSessions",
    }  # fmt: skip
    pipelines = [line["command"].get("pipeline", []) for line in noted]
    stages = {name for pipeline in pipelines for stage in pipeline for name in stage}
    assert stages <= {"$changeStream", "$project", "$sample"}


def test_without_one_it_does_not_start(shop: Secured, tmp_path: Path) -> None:
    """
    Without one of the three the listener ends with code 4 and what to grant, and points
    to the doctor, who ends with code 1.
    """
    uri = shop.add("without listCollections", [FIND, WATCH])
    with make_pair(tmp_path / "data", uri) as pair:
        pair.listener.start()
        assert pair.listener.wait(60) == Exit.REFUSED
        (line,) = pair.listener.logs("listener.refused")
        code, doctor = pair.run("doctor")

    assert "`listCollections`" in line["remedy"]
    assert "run_listener.py doctor" in line["remedy"]
    assert code == Exit.UNWELL
    (said,) = doctor.logs("doctor.finding", check="privileges")
    assert said["verdict"] == "fail"
    assert "createRole" in said["remedy"]
