"""
The listener's own port.
"""

from __future__ import annotations

import pytest
import structlog

from aiohttp.test_utils import TestClient, TestServer

from listener.control import Control
from recommender.logs import configure_logs
from server.access import Keys


@pytest.fixture(name="log")
def _log():
    configure_logs("json", "info", process="listener")
    yield structlog.get_logger()
    structlog.reset_defaults()


async def test_the_last_log_lines_are_for_admins(log):
    """
    With the key the lines come, later ones only with `since`; without it none do.
    """
    control = Control(None, None, None, Keys.of(["s3cret"]))
    async with TestClient(TestServer(control.make_app())) as client:
        key = {"X-API-Key": "s3cret"}
        log.info("test.first", number=1)
        lines = (await (await client.get("/logs", headers=key)).json())["lines"]
        since = {"since": lines[-1]["timestamp"]}
        log.info("test.second", number=2)
        later = await client.get("/logs", params=since, headers=key)
        refused = await client.get("/logs")

        assert (lines[-1]["event"], lines[-1]["process"]) == ("test.first", "listener")
        assert [one["number"] for one in (await later.json())["lines"]] == [2]
        assert refused.status == 401
