"""
No secret leaves the processes, whatever goes wrong.
"""

from __future__ import annotations

import contextlib
import socket

from pathlib import Path
from typing import Any

import pytest

from pymongo.database import Database

from recommender.exits import Exit
from tests.support.processes import Process, make_pair, running, to_uri
from tests.support.secured import secured
from tests.support.shop import make_document


WRONG = "xylo: phone/with@bones"
WRITTEN = "xylo%3A%20phone%2Fwith%40bones"
KEY = "a-key-that-is-secret"
# A defect whose text quotes the address, as no code of ours does.
CRASHING = """
import sys
import listener.app
def fail(settings, uri, stop):
    raise RuntimeError(f"cannot follow {uri}")
listener.app._follow = fail
sys.exit(listener.app.main([]))
"""


def test_wrong_password(tmp_path: Path) -> None:
    """
    A password that the database refuses is not quoted, even in debug logs.
    """
    with secured(tmp_path / "db") as database:
        uri = f"mongodb://me:{WRITTEN}@127.0.0.1:{database.port}/shop?authSource=admin"
        settings = {"EVERSHELF_LOG_LEVEL": "debug"}
        with make_pair(tmp_path / "data", uri, settings) as pair:
            pair.listener.start()
            code = pair.listener.wait(60)

    assert code == Exit.REFUSED
    assert pair.listener.logs("listener.refused")
    for secret in (WRONG, WRITTEN, "xylo", "bones"):
        assert secret not in pair.listener.text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_traceback_that_quotes_the_address(tmp_path: Path, log_format: str) -> None:
    """
    A defect is reported with its traceback, in which the password is hidden.
    """
    script = tmp_path / "crashing.py"
    script.write_text(CRASHING)
    environment = {
        "MONGODB_URI": f"mongodb://me:{WRITTEN}@127.0.0.1:1/shop",
        "EVERSHELF_DATA_DIR": str(tmp_path / "data"),
        "EVERSHELF_LOG_FORMAT": log_format,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    process = Process(str(script), [], environment, tmp_path / "out.log")
    process.start()

    assert process.wait(60) == Exit.DEFECT
    assert "RuntimeError: cannot follow mongodb://me:***@127.0.0.1:1/shop" in (
        process.text
    )
    assert "xylo" not in process.text
    assert "bones" not in process.text


def test_keys_of_callers(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> None:
    """
    A key in a header, in a query string or in a malformed request shows nowhere.
    """
    database["products"].insert_many([make_document(i) for i in range(3)])
    settings = {
        "EVERSHELF_ADMIN_KEYS": KEY,
        "EVERSHELF_LOG_LEVEL": "debug",
    }
    uri = to_uri(mongo_uri, database.name)
    with running(tmp_path / "data", uri, settings) as pair:
        assert pair.get(f"/v1/search?q=kettle&key={KEY}").status == 400
        assert pair.get(f"/v1/products/{KEY}").status == 404
        with socket.create_connection(("127.0.0.1", pair.port), 10) as broken:
            broken.sendall(f"GET /v1/events?key={KEY} HTTP/9.9\r\n\r\n".encode())
            broken.settimeout(10)
            with contextlib.suppress(ConnectionError):
                broken.recv(1)
        pair.server.wait_for_log("http.malformed")
        pair.server.wait_for_log("request", status=404)

    assert KEY not in pair.server.text
    assert KEY not in pair.listener.text
