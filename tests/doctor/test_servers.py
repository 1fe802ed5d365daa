"""
What the doctor says of the servers behind the address.
"""

from __future__ import annotations

import time

from pathlib import Path
from typing import Any

import pytest

from pymongo import MongoClient

from listener.clock import Clock
from listener.doctor.finding import Verdict
from listener.doctor.server import SKEW_S, judge_version
from tests.support.examined import examine, not_checked
from tests.support.mongo import Standalone, make_mongod, replica_set
from tests.support.ports import free_port
from tests.support.waiting import wait_for


OF_THE_DATABASE = {
    "version", "replica set", "privileges", "collection", "stream", "position",
    "clock", "schema", "fields", "visible", "oplog",
}  # fmt: skip


@pytest.fixture(name="_impatient")
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listener.mongo.client.SELECTION_S", 0.5)


@pytest.mark.usefixtures("_impatient")
def test_nothing_there(tmp_path: Path) -> None:
    """
    An address at which nothing answers fails with the reason and what to look at; what
    is on this host is looked at all the same.
    """
    port = free_port()
    findings = examine(f"mongodb://shop:pa55@127.0.0.1:{port}/shop", tmp_path)

    address = findings["address"]
    assert address.verdict is Verdict.FAIL
    assert f"mongodb://shop:***@127.0.0.1:{port}/shop" in address.found
    assert "refused" in address.found
    assert "mongod runs" in address.remedy
    assert "pa55" not in str(findings)
    assert not_checked(findings) == OF_THE_DATABASE
    assert findings["settings"].verdict is Verdict.OK
    assert findings["disk"].verdict is Verdict.OK
    assert findings["model"].verdict is Verdict.OK
    assert findings["listener"].verdict is Verdict.OK


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/shop",
        "mongodb://shop:pa55/word@127.0.0.1/shop",
        "mongodb://shop:pa55:word@127.0.0.1/shop",
        "mongodb://127.0.0.1:port/shop",
    ],
)
def test_no_address(tmp_path: Path, uri: str) -> None:
    """
    What cannot be an address fails with how to write one, and shows no password.
    """
    findings = examine(uri, tmp_path)

    assert findings["address"].verdict is Verdict.FAIL
    assert "mongodb://host:port/database" in findings["address"].found
    assert "pa55" not in str(findings)
    assert not_checked(findings) == OF_THE_DATABASE


def test_standalone(tmp_path: Path) -> None:
    """
    A standalone answers, but fails for having no change stream, with the remedy.
    """
    with make_mongod(tmp_path / "db", kind=Standalone, is_alone=False) as mongod:
        findings = examine(f"mongodb://127.0.0.1:{mongod.port}", tmp_path)

    assert findings["address"].verdict is Verdict.OK
    assert findings["version"].verdict is Verdict.OK
    assert findings["replica set"].verdict is Verdict.FAIL
    assert "--replSet" in findings["replica set"].remedy
    assert not_checked(findings) == OF_THE_DATABASE - {"version", "replica set"}


def test_no_primary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A member without a majority answers, and the set fails for having no primary; an
    address that leads to a secondary is told to name all members.
    """
    with replica_set(tmp_path / "set") as members:
        await_secondaries(members.uri)
        healthy = examine(members.uri, tmp_path)
        port = members.members[1].port
        direct = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        aside = examine(direct, tmp_path)
        for mongod in members.members[:2]:
            mongod.kill()
        monkeypatch.setattr("listener.mongo.client.SELECTION_S", 1.0)
        lonely = examine(members.uri, tmp_path)

    assert "3 members" in healthy["replica set"].found
    assert healthy["replica set"].verdict is Verdict.OK
    assert aside["replica set"].verdict is Verdict.FAIL
    assert "directConnection" in aside["replica set"].remedy
    assert lonely["address"].verdict is Verdict.OK
    assert lonely["replica set"].verdict is Verdict.FAIL
    assert "no primary" in lonely["replica set"].found
    assert "majority" in lonely["replica set"].remedy


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("4.4.29", Verdict.FAIL),
        ("5.0.31", Verdict.FAIL),
        ("6.0.5", Verdict.OK),
        ("6.3.2", Verdict.OK),
        ("8.0.0-rc1", Verdict.OK),
    ],
)
def test_versions(version: str, verdict: Verdict) -> None:
    """
    MongoDB before 6.0 fails; later than what tests run on will do, and says so.
    """
    finding = judge_version(version)

    assert finding.verdict is verdict
    assert version in finding.found
    assert ("tests run on 6.0" in finding.found) is version.startswith("8")


@pytest.mark.parametrize(
    ("off_s", "verdict", "said"),
    [
        (0.0, Verdict.OK, "agree"),
        (-90.0, Verdict.WARN, "behind"),
        (90.0, Verdict.WARN, "ahead of"),
    ],
    ids=["right", "behind", "ahead"],
)
def test_clocks(
    mongo_uri: str, tmp_path: Path, off_s: float, verdict: Verdict, said: str
) -> None:
    """
    A host whose clock is not the database's is warned of by how much, and which way.
    """
    clock = Clock(time.monotonic, lambda: time.time() + off_s)
    finding = examine(mongo_uri, tmp_path, clock=clock)["clock"]

    assert finding.verdict is verdict
    assert said in finding.found
    if off_s:
        shown = float(finding.found.split("clock is ")[1].split(" s")[0])
        assert abs(shown - abs(off_s)) <= SKEW_S + 0.1
        assert "NTP" in finding.remedy


def await_secondaries(uri: str) -> None:
    """
    Wait until each member has all data, so that it can do without the others.
    """
    with MongoClient[dict[str, Any]](uri) as client:

        def is_whole() -> bool:
            status = client.admin.command("replSetGetStatus")
            states = sorted(member["stateStr"] for member in status["members"])
            return states == ["PRIMARY", "SECONDARY", "SECONDARY"]

        wait_for(is_whole)
