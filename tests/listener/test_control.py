"""
The listener's own port.
"""

from __future__ import annotations

from aiohttp.test_utils import TestClient, TestServer

from listener.control import Control
from recommender.logs import Recent
from server.access import Keys


async def test_the_last_log_lines_are_for_admins(monkeypatch):
    """
    With the key the lines come, later ones only with `since`; without it none do.
    """
    recent = Recent()
    monkeypatch.setattr("listener.control.RECENT", recent)
    recent.note(None, "info", {"timestamp": "8a", "event": "test.first"})
    recent.note(None, "info", {"timestamp": "8b", "event": "test.second"})
    control = Control(None, None, None, Keys.of(["s3cret"]))
    async with TestClient(TestServer(control.make_app())) as client:
        key = {"X-API-Key": "s3cret"}
        last = (await (await client.get("/logs", headers=key)).json())["lines"][-2:]
        later = await client.get("/logs?since=8a", headers=key)
        refused = await client.get("/logs")

        assert [one["event"] for one in last] == ["test.first", "test.second"]
        assert "test.first" not in await later.text()
        assert refused.status == 401
