"""
What the doctor says of the oplog, and of the model's place in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pymongo import MongoClient

from listener.doctor.database import Oplog
from listener.doctor.finding import Verdict
from listener.doctor.oplog import judge_oplog
from tests.support.examined import examine
from tests.support.mongo import make_mongod
from tests.support.oplog import roll_oplog
from tests.support.processes import running, to_uri
from tests.support.shop import make_document
from tests.support.waiting import wait_for


DAY_S = 86_400


@pytest.mark.parametrize(
    ("window_s", "rebuild_s", "is_whole", "verdict"),
    [
        (2 * DAY_S, 60.0, False, Verdict.OK),
        (DAY_S // 2, 60.0, False, Verdict.WARN),
        (60, 600.0, False, Verdict.FAIL),
        (60, 6.0, True, Verdict.OK),
    ],
    ids=["days", "half a day", "less than a rebuild", "young"],
)
def test_windows(
    window_s: int, rebuild_s: float, is_whole: bool, verdict: Verdict
) -> None:
    """
    An oplog of a day or more is ok, and so is a young one that has dropped nothing;
    one that a rebuild outlasts fails; between, a warning.
    """
    finding = judge_oplog(Oplog(1_000, 1_000 + window_s, is_whole), rebuild_s)

    assert finding.verdict is verdict
    assert f"{window_s / 3600:.2f} h" in finding.found
    assert ("replSetResizeOplog" in finding.remedy) is (verdict is not Verdict.OK)


def test_rolled_oplog(tmp_path: Path) -> None:
    """
    An oplog that has dropped entries is measured, and a position that it has rolled
    past is said to be lost; one within leads on.
    """
    options = ("--syncdelay=1",)
    with (
        make_mongod(tmp_path / "db", oplog_mb=1, options=options) as mongod,
        MongoClient[dict[str, Any]](mongod.uri) as client,
    ):
        products = client["shop"]["products"]
        products.insert_many([make_document(number) for number in range(30)])
        uri = to_uri(mongod.uri, "shop")
        with running(tmp_path / "data", uri) as pair:
            pair.listener.stop()
        before = examine(uri, tmp_path / "data")
        roll_oplog(client)
        wait_for(lambda: widened_s(client) > 2)
        after = examine(uri, tmp_path / "data")

    assert before["oplog"].verdict is Verdict.OK
    assert "nothing was dropped" in before["oplog"].found
    assert before["position"].verdict is Verdict.OK
    assert after["oplog"].verdict is Verdict.WARN
    assert after["position"].verdict is Verdict.WARN
    assert "history_lost" in after["position"].found


def widened_s(client: MongoClient[dict[str, Any]]) -> int:
    """
    Write a little; return how many seconds the oplog reaches over.
    """
    client["filler"]["filler"].insert_one({})
    oplog = client["local"]["oplog.rs"]
    first, last = (oplog.find_one(sort=[("$natural", end)]) for end in (1, -1))
    assert first is not None
    assert last is not None
    seconds: int = last["ts"].time - first["ts"].time
    return seconds
