import time

import pytest

from aiohttp import web
from aiohttp.test_utils import TestServer

from recommender.position import ClusterTime
from tests.support.shops import AS_OF


KEY = {"X-API-Key": "secret"}
SAID = {
    "service": "evershelf-listener",
    "since_s": 1.5,
    "failures": 2,
    "last_error": "no primary",
    "oplog_window_s": 3600.0,
    "settings": {"sublinear": True},
    "something": "else",
}


@pytest.fixture(name="listener")
async def _listener():
    """
    A control port that says what it is told, to who has the key.
    """
    said = {"content": SAID}

    async def show(request):
        said["headers"] = dict(request.headers)
        return web.json_response(said["content"], status=said.get("status", 200))

    app = web.Application()
    app.router.add_get("/details", show)
    async with TestServer(app) as server:
        said["port"] = server.port
        yield said


async def test_visitors_know_little(serve, shop, listener):
    """
    What a visitor may know: numbers, times, and the listener's state.
    """
    later = ClusterTime(AS_OF.seconds + 3, 2)
    shop.say(as_of=AS_OF, read_time=later)
    client = await serve(keys=["secret"], control_port=listener["port"])

    answer = await client.get("/v1/model")
    wrong = await client.get("/v1/model", headers={"X-API-Key": "guess"})

    assert await answer.json() == {
        "generation": 1,
        "as_of": "2023-11-14T22:13:20Z",
        "cluster_time": "1700000000:1",
        "lag_ms": 3000,
        "stale": False,
        "products": 5,
        "visible": 4,
        "state": "following",
        "reason": "",
    }
    assert await wrong.json() == await answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "headers" not in listener


async def test_admins_know_more(serve, shop, listener):
    """
    With the key come the checkpoint and what the listener says of itself.
    """
    shop.publish(as_of=ClusterTime(int(time.time()) - 60, 1))
    shop.store.make_durable()
    client = await serve(keys=["secret"], control_port=listener["port"])

    answer = await client.get("/v1/model", headers=KEY)

    body = await answer.json()
    assert body["checkpoint"]["generation"] == 2
    assert 60 <= body["checkpoint"]["age_s"] < 120
    assert body["checkpoint"]["as_of"].endswith("Z")
    told = {"since_s", "failures", "last_error", "oplog_window_s", "settings"}
    assert body["listener"] == {name: SAID[name] for name in told}
    assert listener["headers"]["X-API-Key"] == "secret"


@pytest.mark.parametrize("how", ["silent", "refusing", "senseless"])
async def test_listener_that_says_nothing(serve, shop, listener, how):
    """
    The rest is told without it.
    """
    assert shop.index.visible == 4
    listener["status"] = 403 if how == "refusing" else 200
    listener["content"] = "?" if how == "senseless" else SAID
    port = None if how == "silent" else listener["port"]
    client = await serve(keys=["secret"], control_port=port)

    answer = await client.get("/v1/model", headers=KEY)

    body = await answer.json()
    assert (body["listener"], body["checkpoint"]) == (None, None)
    assert body["products"] == 5


async def test_model_without_a_listener(serve, shop):
    """
    A store that nobody tends is served, and said to be so.
    """
    (shop.folder / "position.json").unlink()
    client = await serve()

    answer = await client.get("/v1/model")

    body = await answer.json()
    assert (body["state"], body["lag_ms"]) == (None, None)
    assert (body["stale"], body["reason"]) == (True, "listener_absent")
    assert "Evershelf-Lag-Ms" not in answer.headers


async def test_before_the_first_model(serve):
    """
    There is none to tell of.
    """
    client = await serve()

    answer = await client.get("/v1/model")

    assert answer.status == 503
