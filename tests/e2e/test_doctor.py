"""
`run_listener.py doctor`, as it is typed.
"""

from __future__ import annotations

import socket
import subprocess
import sys

from pathlib import Path

from tests.support.own_shop import own_shop
from tests.support.processes import ROOT, make_pair


def test_beside_a_running_listener(tmp_path: Path) -> None:
    """
    Beside a listener that follows nothing fails, which is code 0, and the listener
    takes no notice.
    """
    with own_shop(tmp_path) as (_, shop, _):
        code, doctor = shop.run("doctor")

        assert code == 0, doctor.text
        findings = doctor.logs("doctor.finding")
        assert {line["verdict"] for line in findings} == {"ok"}
        assert {line["level"] for line in findings} == {"info"}
        (done,) = doctor.logs("doctor.done")
        assert (done["ok"], done["fail"]) == (len(findings), 0)
        assert shop.listener.is_running
        assert not shop.listener.logs(level="warning")


def test_a_failure_is_code_1(tmp_path: Path) -> None:
    """
    Without an address that fails, and everything on this host is looked at.
    """
    with make_pair(tmp_path / "data", "") as pair:
        code, doctor = pair.run("doctor")

    assert code == 1
    (address,) = doctor.logs("doctor.finding", check="address")
    assert (address["verdict"], address["level"]) == ("fail", "error")
    assert "MONGODB_URI is not set" in address["found"]
    (disk,) = doctor.logs("doctor.finding", check="disk")
    assert disk["verdict"] == "ok"


def test_for_people(tmp_path: Path) -> None:
    """
    On a terminal there is a line for each check, what to do below it, and the sum.
    """
    with own_shop(tmp_path) as (_, shop, collection):
        collection.update_many({}, {"$set": {"manufacturerName": "Acme"}})
        said = subprocess.run(
            [sys.executable, "run_listener.py", "doctor", "--log-format", "console"],
            cwd=ROOT,
            env={**shop.environment, "EVERSHELF_LOG_FORMAT": "console"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout.splitlines()

    assert said[0].startswith("ok      settings     ")
    at = next(place for place, line in enumerate(said) if " fields " in line)
    assert said[at].startswith("warn    fields ")
    assert "→ " in said[at + 1]
    assert "EVERSHELF_BRAND_FIELDS=manufacturerName" in said[at + 1]
    assert said[-1] == "14 ok, 2 warn, 0 fail, 0 unknown"


def test_settings_that_cannot_be_read_are_code_2(tmp_path: Path) -> None:
    """
    Without settings there is nothing to look with: all faults are said, as ever.
    """
    with make_pair(tmp_path / "data", "") as pair:
        code, doctor = pair.run("doctor", "--quiet-s=long", "--min-interval-s=-1")

    assert code == 2
    assert "EVERSHELF_QUIET_S=long" in doctor.text
    assert "EVERSHELF_MIN_INTERVAL_S=-1" in doctor.text


def test_stopping(tmp_path: Path) -> None:
    """
    Asked to stop while an address keeps it waiting, it makes no further checks, and
    ends with code 130.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/shop"
        with make_pair(tmp_path / "data", uri) as pair:
            doctor = pair.make("doctor")
            doctor.start()
            doctor.wait_for_log("doctor.finding", check="settings", timeout_s=60)
            assert doctor.stop() == 130

    assert not doctor.logs("doctor.finding", check="listener")
