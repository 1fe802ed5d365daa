import pytest
import structlog

from aiohttp import web
from aiohttp.test_utils import TestServer

from recommender.logs import configure_logs


@pytest.fixture(name="log")
def _log():
    """
    This process's log, as a server has it.
    """
    configure_logs("json", "info", process="server")
    yield structlog.get_logger()
    structlog.reset_defaults()


async def test_own_lines(serve, log):
    """
    The last lines, as they were printed; with `since`, the later ones only.
    """
    client = await serve()
    log.info("test.first", number=1)
    lines = (await (await client.get("/ui/logs/server")).json())["lines"]
    first = lines[-1]
    log.info("test.second", number=2)
    later = await client.get("/ui/logs/server", params={"since": first["timestamp"]})

    assert (first["event"], first["number"], first["process"]) == (
        "test.first",
        1,
        "server",
    )
    assert [one["event"] for one in (await later.json())["lines"]] == ["test.second"]


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
