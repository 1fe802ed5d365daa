import asyncio
import json

import pytest

from aiohttp import web
from aiohttp.test_utils import TestServer

from server.train import Lane, Trained
from tests.support.products import make_product
from tests.support.shops import until


class Listener:
    """
    A control port that answers as it is told.
    """

    def __init__(self):
        self.calls = []
        self.told = says()

    async def train(self, request):
        self.calls.append(request)
        return await self.told()


def says(generation=1, products=5):
    """
    The answer of a listener that has caught up.
    """
    return answers(
        {
            "message": "Model trained.",
            "products_count": products,
            "generation": generation,
        }
    )


def answers(content, status=200, headers=None):
    async def answer():
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return web.Response(status=status, body=body, headers=headers)

    return answer


@pytest.fixture(name="listener")
async def _listener():
    """
    A control port with a free number.
    """
    listener = Listener()
    app = web.Application()
    app.router.add_post("/train", listener.train)
    async with TestServer(app) as server:
        listener.port = server.port
        yield listener


async def to_problem(answer):
    body = await answer.json(content_type="application/problem+json")
    assert body["status"] == answer.status
    return body


async def test_answer_comes_when_the_change_is_served(serve, shop, listener):
    """
    When the listener has published, the door waits until this server serves it.
    """
    listener.told = says(generation=2, products=6)
    client = await serve(control_port=listener.port)
    asking = asyncio.create_task(client.post("/train"))
    await until(lambda: listener.calls)
    shop.put(make_product("k5", "red kettle"))
    shop.publish()

    answer = await asking

    assert answer.status == 200
    assert await answer.json() == {"message": "Model trained.", "products_count": 6}
    assert answer.headers["Evershelf-Generation"] == "2"


@pytest.mark.parametrize(
    ("path", "query"),
    [("/train", {}), ("/train?full=0", {}), ("/train?full=1", {"full": "1"})],
)
async def test_full_is_passed_on(serve, shop, listener, path, query):
    """
    Training from scratch is asked for when it is asked for.
    """
    assert shop.index.products == 5
    client = await serve(control_port=listener.port)

    assert (await client.post(path)).status == 200

    assert dict(listener.calls[0].query) == query


async def test_key_is_passed_on_and_nothing_else(serve, shop, listener):
    """
    The listener asks for the key itself; the caller's other headers are not its own.
    """
    assert shop.index.products == 5
    client = await serve(keys=["secret"], control_port=listener.port)
    sent = {"Authorization": "Bearer secret", "Cookie": "a=b", "X-Forwarded-For": "a"}

    assert (await client.post("/train", headers=sent)).status == 200

    headers = listener.calls[0].headers
    assert headers["Authorization"] == "Bearer secret"
    assert not {"Cookie", "X-Forwarded-For"} & set(headers)


@pytest.mark.parametrize(
    "sent", [{}, {"json": {"products": [1]}}, {"data": {"a": "b"}}, {"data": b"\xff"}]
)
async def test_body_does_not_matter(serve, shop, listener, sent):
    """
    Whatever the classic callers send along is taken and not looked at.
    """
    assert shop.index.products == 5
    client = await serve(control_port=listener.port)

    assert (await client.post("/train", **sent)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "10.0.0.7"},
        {"Forwarded": "for=10.0.0.7"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example"},
        {"Host": "rebound.example:5002"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_ways_around_the_admin_rule(serve, listener, headers):
    """
    A proxy, a rebound name and a foreign page do not get through to the listener.
    """
    client = await serve(control_port=listener.port)

    answer = await client.post("/train", headers=headers)

    assert answer.status == 403
    assert "EVERSHELF_ADMIN_KEYS" in (await to_problem(answer))["detail"]
    assert not listener.calls


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "guess"}])
async def test_with_keys_the_key_is_needed(serve, listener, headers):
    """
    As soon as there is a key, this machine is nothing special.
    """
    client = await serve(keys=["secret"], control_port=listener.port)

    answer = await client.post("/train", headers=headers)

    assert answer.status == 401
    assert not listener.calls


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("GET", "/train", None, 405),
        ("POST", "/train?fill=1", None, 400),
        ("POST", "/train?full=perhaps", None, 400),
        ("POST", "/train", b"x" * 300_000, 413),
    ],
)
async def test_wrong_calls(serve, listener, method, path, data, status):
    """
    What is wrong is refused here, and the listener is not bothered.
    """
    client = await serve(control_port=listener.port)

    answer = await client.request(method, path, data=data)

    assert answer.status == status
    assert await to_problem(answer)
    assert not listener.calls


async def test_listener_that_is_not_there(serve, shop):
    """
    The caller learns that nothing is lost, what to start, and when to come back.
    """
    assert shop.index.products == 5
    client = await serve()

    answer = await client.post("/train")

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (503, "listener_unavailable")
    assert "run_listener.py" in problem["detail"]
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("status", "retry"), [(401, None), (403, None), (503, "5"), (504, "5")]
)
async def test_what_the_listener_refuses(serve, listener, status, retry):
    """
    The listener's own problems are passed on as it says them.
    """
    content = {"code": "its_code", "detail": "What to do.", "errors": [{"a": 1}]}
    listener.told = answers(content, status)
    client = await serve(control_port=listener.port)

    answer = await client.post("/train")

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (status, "its_code")
    assert problem["detail"] == "What to do."
    assert problem["errors"] == [{"a": 1}]
    assert answer.headers.get("Retry-After") == retry


@pytest.mark.parametrize(
    "told",
    [
        answers(b"hello"),
        answers({}),
        answers([]),
        answers({"message": "m", "products_count": None, "generation": 1}),
        answers(b"<html>", 500),
        answers({}, 404),
        answers(b"null", 500),
        answers(b"", 307, {"Location": "/train"}),
    ],
)
async def test_another_program_on_the_control_port(serve, listener, told):
    """
    An answer that no listener gives is a bad gateway, and no redirect is followed.
    """
    listener.told = told
    client = await serve(control_port=listener.port)

    answer = await client.post("/train")

    assert (answer.status, (await to_problem(answer))["code"]) == (
        502,
        "listener_failed",
    )
    assert len(listener.calls) == 1


async def test_listener_that_needs_too_long(serve, listener, monkeypatch):
    """
    The wait is bounded.
    """
    monkeypatch.setattr("server.train.CATCH_UP_S", 0.05)
    enough = asyncio.Event()

    async def linger():
        await enough.wait()
        return web.Response()

    listener.told = linger
    client = await serve(control_port=listener.port)

    answer = await client.post("/train")

    enough.set()
    assert (answer.status, (await to_problem(answer))["code"]) == (504, "train_timeout")
    assert answer.headers["Retry-After"] == "5"


async def test_generation_that_does_not_get_here(serve, shop, listener, monkeypatch):
    """
    A change that is published, but cannot be loaded, is not said to be served.
    """
    assert shop.index.products == 5
    monkeypatch.setattr("server.train.SERVE_S", 0.05)
    listener.told = says(generation=2)
    client = await serve(control_port=listener.port)

    answer = await client.post("/train")

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (503, "not_served_yet")


async def test_failure_is_not_remembered(serve, shop, listener):
    """
    The call after a failed one is a new one.
    """
    assert shop.index.products == 5
    client = await serve(control_port=listener.port)
    listener.told = answers({}, 500)
    failed = await client.post("/train")
    listener.told = says()

    assert failed.status == 502
    assert (await client.post("/train")).status == 200


class Runs:
    """
    Runs that end when they are let.
    """

    def __init__(self):
        self.begun = 0
        self.gate = asyncio.Semaphore(0)

    async def run(self, _headers):
        self.begun += 1
        number = self.begun
        await self.gate.acquire()
        if number == 3:
            msg = "third"
            raise ValueError(msg)
        return Trained("", 0, number)


async def test_calls_at_the_same_time_share_a_run():
    """
    Who comes while one runs shares the next with all who have come meanwhile: what
    they wrote may be missing in the one that runs.
    """
    runs = Runs()
    lane = Lane(runs.run)
    first = [asyncio.create_task(lane.join({})) for _ in range(3)]
    await until(lambda: runs.begun == 1)
    second = [asyncio.create_task(lane.join({})) for _ in range(3)]
    await asyncio.sleep(0)
    runs.gate.release()
    await until(lambda: runs.begun == 2)
    third = asyncio.create_task(lane.join({}))
    await asyncio.sleep(0)
    runs.gate.release()
    await until(lambda: runs.begun == 3)
    runs.gate.release()
    with pytest.raises(ValueError, match="third"):
        await third
    runs.gate.release()
    last = await lane.join({})

    assert [(await task).generation for task in first] == [1, 1, 1]
    assert [(await task).generation for task in second] == [2, 2, 2]
    assert last.generation == 4


async def test_caller_who_gives_up_takes_nothing_from_others():
    """
    A run that is shared goes on when the caller who began it has gone.
    """
    runs = Runs()
    lane = Lane(runs.run)
    gone, stays = (asyncio.create_task(lane.join({})) for _ in range(2))
    await until(lambda: runs.begun == 1)
    gone.cancel()
    runs.gate.release()

    assert (await stays).generation == 1
    assert gone.cancelled()
