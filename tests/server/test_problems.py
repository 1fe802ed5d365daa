import pytest

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from server.access import Keys
from server.doors import require_admin
from server.problems import PROBLEM_JSON, Problem, problem_middleware


async def _refuse(_request):
    faults = [{"parameter": "limit", "value": "0"}]
    raise Problem(400, "bad_request", "Wrong.", faults=faults, headers={"X-A": "b"})


async def _fail(_request):
    msg = "mongodb://user:password@host"
    raise RuntimeError(msg)


async def _read(request):
    await request.read()
    return web.Response(text="read")


async def _move(_request):
    raise web.HTTPFound(location="/elsewhere")


async def _admin(request):
    require_admin(request, request.app[KEYS])
    return web.Response(text="welcome")


KEYS = web.AppKey("keys", Keys)


@pytest.fixture(name="make_client")
async def _make_client():
    clients = []

    async def make(keys=()):
        app = web.Application(middlewares=[problem_middleware], client_max_size=10)
        app[KEYS] = Keys.of(keys)
        app.router.add_get("/refuse", _refuse)
        app.router.add_get("/fail", _fail)
        app.router.add_get("/move", _move)
        app.router.add_post("/read", _read)
        app.router.add_post("/admin", _admin)
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


async def to_problem(answer):
    assert answer.content_type == PROBLEM_JSON
    body = await answer.json(content_type=PROBLEM_JSON)
    assert body["status"] == answer.status
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert body["type"] == f"urn:evershelf:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return body


async def test_problem_is_the_answer(make_client):
    """
    What a handler raises is answered in full, with its headers and its faults.
    """
    client = await make_client()

    answer = await client.get("/refuse")

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (400, "bad_request")
    assert problem["errors"] == [{"parameter": "limit", "value": "0"}]
    assert answer.headers["X-A"] == "b"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/read", 405, "method_not_allowed"),
        ("POST", "/read", 413, "too_large"),
    ],
)
async def test_framework_speaks_our_words(make_client, method, path, status, code):
    """
    What the framework refuses has the same shape as what we refuse.
    """
    client = await make_client()

    answer = await client.request(method, path, data=b"x" * 11)

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (status, code)


async def test_wrong_method_names_the_right_ones(make_client):
    """
    405 says what would have been allowed.
    """
    client = await make_client()

    answer = await client.get("/read")

    assert answer.headers["Allow"] == "POST"


async def test_redirect_is_no_problem(make_client):
    """
    A redirect that is raised stays a redirect; it has its request id too.
    """
    client = await make_client()

    answer = await client.get("/move", allow_redirects=False)

    assert answer.status == 302
    assert answer.headers["Location"] == "/elsewhere"
    assert answer.headers["X-Request-ID"]


async def test_defect_is_logged_and_not_shown(make_client):
    """
    The caller learns a request id, the log the traceback under the same id, once.
    """
    client = await make_client()

    with capture_logs() as lines:
        answer = await client.get("/fail?secret=1")

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (500, "internal_error")
    assert "password" not in await answer.text()
    (line,) = lines
    assert line["event"] == "request.failed"
    assert line["log_level"] == "error"
    assert line["path"] == "/fail"
    assert line["request_id"] == problem["request_id"]
    assert isinstance(line["exc_info"], RuntimeError)


async def test_request_id_of_the_caller_is_kept(make_client):
    """
    A caller that names its request finds the name in the answer.
    """
    client = await make_client()

    answer = await client.post("/read", headers={"X-Request-ID": "abc-1"})

    assert answer.headers["X-Request-ID"] == "abc-1"


@pytest.mark.parametrize("given", ["", "a b", "é", "x" * 129])
async def test_request_id_that_is_no_id_is_replaced(make_client, given):
    """
    What would not be fit for a log line is not taken over.
    """
    client = await make_client()

    first = await client.post("/read", headers={"X-Request-ID": given})
    second = await client.post("/read")

    made = {first.headers["X-Request-ID"], second.headers["X-Request-ID"]}
    assert len(made) == 2
    assert given not in made


async def test_admin_door_opens_to_this_machine(make_client):
    """
    Without keys a direct call on loopback passes.
    """
    client = await make_client()

    assert (await client.post("/admin")).status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Forwarded-For": "10.0.0.7"}, "not_local"),
        ({"Host": "rebound.example"}, "not_local"),
        ({"Origin": "http://evil.example"}, "foreign_page"),
        ({"Sec-Fetch-Site": "cross-site"}, "foreign_page"),
    ],
)
async def test_ways_around_the_admin_rule_are_shut(make_client, headers, code):
    """
    A proxy, a rebound name and a foreign page get 403 with the remedy.
    """
    client = await make_client()

    answer = await client.post("/admin", headers=headers)

    problem = await to_problem(answer)
    assert (answer.status, problem["code"]) == (403, code)
    assert "EVERSHELF_ADMIN_KEYS" in problem["detail"]


async def test_admin_door_with_keys(make_client):
    """
    With keys the door asks for one, and says how to send it.
    """
    client = await make_client(["secret"])

    without = await client.post("/admin")
    wrong = await client.post("/admin", headers={"X-API-Key": "guess"})
    right = await client.post("/admin", headers={"Authorization": "Bearer secret"})

    assert (await to_problem(without))["code"] == "key_needed"
    assert without.headers["WWW-Authenticate"] == "Bearer"
    assert (await to_problem(wrong))["code"] == "key_wrong"
    assert (without.status, wrong.status, right.status) == (401, 401, 200)
