import pytest

from aiohttp import web
from aiohttp.test_utils import TestServer

from recommender.logs import Recent


@pytest.fixture(name="recent")
def _recent(monkeypatch):
    """
    What this process has logged.
    """
    recent = Recent()
    monkeypatch.setattr("server.lines.RECENT", recent)
    return recent


@pytest.mark.parametrize("path", ["/ui/logs/server?since=", "/ui/logs/server"])
async def test_own_lines(serve, recent, path):
    """
    The last lines of this process.
    """
    recent.note(None, "info", {"timestamp": "9", "event": "test.line", "path": path})
    answer = await (await serve()).get(path)

    last = (await answer.json())["lines"][-1]
    assert last == {"timestamp": "9", "event": "test.line", "path": path}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_later_lines_only(serve, recent):
    """
    With `since`, those with a later timestamp.
    """
    recent.note(None, "info", {"timestamp": "9a", "event": "test.first"})
    recent.note(None, "info", {"timestamp": "9b", "event": "test.second"})
    answer = await (await serve()).get("/ui/logs/server?since=9a")

    assert [one["event"] for one in (await answer.json())["lines"]] == ["test.second"]


async def test_the_listeners_lines(serve):
    """
    They come from its control port; without a listener the door says that it is away.
    """
    asked = []

    async def logs(request):
        asked.append(request.query["since"])
        return web.json_response({"lines": [{"event": "listener.started"}]})

    app = web.Application()
    app.router.add_get("/logs", logs)
    async with TestServer(app) as listener:
        client = await serve(control_port=listener.port)
        answer = await client.get("/ui/logs/listener", params={"since": "2026"})
        assert await answer.json() == {"lines": [{"event": "listener.started"}]}
        assert asked == ["2026"]

    away = await (await serve()).get("/ui/logs/listener")
    assert away.status == 503
