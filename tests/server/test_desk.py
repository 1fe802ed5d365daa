import pytest

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.ports import free_port


class Demo:
    """
    A desk that says what it was asked.
    """

    async def answer(self, request):
        body = {
            "method": request.method,
            "path": request.raw_path,
            "key": request.headers.get("X-API-Key"),
            "body": (await request.read()).decode(),
        }
        return web.json_response(body, status=201)


@pytest.fixture(name="demo")
async def _demo():
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", Demo().answer)
    async with TestServer(app) as server:
        yield server


async def test_without_the_demo_there_is_no_desk(serve):
    """
    Nothing of ours writes to another database, and the answer says so.
    """
    client = await serve()
    for method in ("get", "post"):
        answer = await getattr(client, method)("/ui/desk/products")
        problem = await answer.json(content_type=None)

        assert (answer.status, problem["code"]) == (404, "no_desk")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/products?status=pending&q=red%20kettle"),
        ("POST", "/products"),
        ("PATCH", "/products/~eyJh"),
        ("DELETE", "/products/a%2Fb%20c"),
    ],
)
async def test_requests_are_passed_on(serve, demo, method, path):
    """
    Method, path, query, key and body arrive as they were sent, and so does the answer.
    """
    client = await serve(desk_port=demo.port, keys=["s3cret"])
    answer = await client.request(
        method,
        f"/ui/desk{path}",
        data=b'{"name": "x"}',
        headers={"X-API-Key": "s3cret", "Content-Type": "application/json"},
    )

    told = await answer.json()
    assert answer.status == 201
    assert told["method"] == method
    assert told["path"].replace("+", "%20") == path
    assert (told["key"], told["body"]) == ("s3cret", '{"name": "x"}')


@pytest.mark.parametrize("path", ["/ui/desk/products", "/ui/logs/server"])
async def test_foreign_pages_and_proxies_are_refused(serve, demo, path):
    """
    The admin rule holds at the page's admin doors too.
    """
    client = await serve(desk_port=demo.port)
    for headers in (
        {"Origin": "http://shop.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Host": "shop.example"},
    ):
        answer = await client.get(path, headers=headers)
        assert answer.status == 403, headers


async def test_with_keys_a_key_is_needed(serve, demo):
    """
    As soon as a key is set.
    """
    client = await serve(desk_port=demo.port, keys=["s3cret"])

    assert (await client.get("/ui/desk/products")).status == 401


async def test_a_desk_that_is_away(serve):
    """
    While the demo's desk does not answer the caller is told to come again.
    """
    client = await serve(desk_port=free_port())
    answer = await client.get("/ui/desk/products")
    problem = await answer.json(content_type=None)

    assert (answer.status, problem["code"]) == (503, "desk_unavailable")
    assert answer.headers["Retry-After"] == "2"
