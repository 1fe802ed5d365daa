"""
The listener's own port, each door of it.
"""

from __future__ import annotations

import asyncio
import urllib.request

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from listener.contact import Contact
from listener.control import HUNG_S, Control
from listener.errors import ListenerError, PositionLost, Refused, Unreachable
from listener.rebuilds import Requests
from listener.serving import serve_in_background
from listener.status import Served, Status
from recommender.logs import Recent
from recommender.position import State
from server.access import Keys
from tests.support.clock import EPOCH, FakeClock
from tests.support.fake_source import START, FakeSource
from tests.support.listener import at
from tests.support.metrics import value
from tests.support.ports import free_port
from tests.support.shops import until


Client = TestClient[web.Request, web.Application]
Ask = Callable[..., Awaitable[Client]]
ADMIN_DOORS = [
    ("GET", "/"),
    ("POST", "/train"),
    ("POST", "/train?full=1"),
    ("POST", "/orders/train"),
]


@pytest.fixture(name="source")
def _source() -> FakeSource:
    return FakeSource()


@pytest.fixture(name="status")
def _status(clock: FakeClock) -> Status:
    """
    That of a listener that follows, and has published all there is.
    """
    status = Status(clock.clock)
    status.enter(State.FOLLOWING)
    status.served = Served(7, at(START), products=5, visible=4)
    return status


@pytest.fixture(name="requests")
def _requests() -> Requests:
    return Requests()


@pytest.fixture(name="make_client")
async def _make_client(
    source: FakeSource, status: Status, requests: Requests
) -> AsyncIterator[Ask]:
    """
    Opens the port; returns a client of it.
    """
    clients: list[Client] = []

    async def make(*keys: str) -> Client:
        app = Control(source, status, requests, Keys.of(keys)).make_app()
        client: Client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture(name="client")
async def _client(make_client: Ask) -> Client:
    return await make_client()


async def problem_of(answer: Any) -> dict[str, Any]:
    """
    Return an answer that is a problem.
    """
    assert answer.content_type == "application/problem+json"
    content: dict[str, Any] = await answer.json(content_type=None)
    assert content["status"] == answer.status
    return content


# what it counts


async def test_metrics(make_client: Ask, status: Status) -> None:
    """
    A scrape gets what was counted, as text; with keys, only with one.
    """
    status.metrics.note_merge()
    client = await make_client()
    closed = await make_client("key")

    answer = await client.get("/metrics")
    refused = await closed.get("/metrics")
    let_in = await closed.get("/metrics", headers={"X-API-Key": "key"})

    assert answer.content_type == "text/plain"
    assert value(await answer.text(), "evershelf_listener_merges_total") == 1
    assert (refused.status, let_in.status) == (401, 200)


async def test_metrics_key(
    source: FakeSource, status: Status, requests: Requests
) -> None:
    """
    A key for the metrics opens nothing else.
    """
    control = Control(
        source, status, requests, Keys(), metrics_keys=Keys.of(["scraper"])
    )
    async with TestClient(TestServer(control.make_app())) as client:
        headers = {"Authorization": "Bearer scraper"}
        refused = await client.get("/metrics")
        let_in = await client.get("/metrics", headers=headers)

    assert (refused.status, let_in.status) == (401, 200)


# what it says of itself


async def test_details(source: FakeSource, status: Status, requests: Requests) -> None:
    """
    Who asks for more gets it beside the rest, if it may know.
    """
    control = Control(
        source, status, requests, Keys.of(["key"]), lambda: {"oplog_window_s": 5}
    )
    async with TestClient(TestServer(control.make_app())) as client:
        refused = await client.get("/details")
        answer = await client.get("/details", headers={"X-API-Key": "key"})
        content = await answer.json()

    assert refused.status == 401
    assert content["oplog_window_s"] == 5
    assert content["state"] == "following"


async def test_show(client: Client, status: Status, clock: FakeClock) -> None:
    """
    The first door says what the listener is doing, since when, and what is served.
    """
    clock.advance(3)
    status.enter(State.RETRYING, "unreachable")
    status.note_failure(Unreachable("nobody there"))

    answer = await client.get("/")

    assert answer.status == 200
    assert await answer.json() == {
        "service": "evershelf-listener",
        "state": "retrying",
        "reason": "unreachable",
        "since_s": EPOCH + 3,
        "failures": 1,
        "last_error": "nobody there",
        "generation": 7,
        "as_of": at(START).to_text(),
        "products_count": 5,
        "visible": 4,
        "scan": {"done": 0, "total": 0},
        "sweep": {"passes": 0, "checked": 0, "unsettled": 0, "repaired": 0},
        "orders": None,
    }


@pytest.mark.parametrize(
    ("silence_s", "code"), [(0.0, 200), (HUNG_S - 1, 200), (HUNG_S, 503)]
)
async def test_live(
    client: Client, status: Status, clock: FakeClock, silence_s: float, code: int
) -> None:
    """
    It lives while the loop turns, whatever the state; a loop that hangs is seen.
    """
    status.enter(State.RETRYING, "unreachable")
    status.beat()
    clock.advance(silence_s)

    answer = await client.get("/health/live")

    assert answer.status == code
    assert await answer.json() == {"silence_s": silence_s}


async def test_ready(client: Client, status: Status) -> None:
    """
    It is ready once a model has been published, and stays so in trouble.
    """
    served, status.served = status.served, Served()
    before = await client.get("/health/ready")
    status.served = served
    status.enter(State.RETRYING, "unreachable")
    after = await client.get("/health/ready")

    assert (before.status, await before.json()) == (503, {"ready": False})
    assert (after.status, await after.json()) == (200, {"ready": True})


# who may


@pytest.mark.parametrize(("method", "path"), ADMIN_DOORS)
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Forwarded-For": "10.0.0.1"}, "not_local"),
        ({"Host": "shop.example"}, "not_local"),
        ({"Origin": "https://shop.example"}, "foreign_page"),
    ],
    ids=["forwarded", "by name", "foreign page"],
)
async def test_without_keys_only_this_machine(
    client: Client, method: str, path: str, headers: dict[str, str], code: str
) -> None:
    """
    Without keys the doors open to programs that call directly, and to nobody else.
    """
    answer = await client.request(method, path, headers=headers)

    assert answer.status == 403
    assert (await problem_of(answer))["code"] == code


@pytest.mark.parametrize(("method", "path"), [ADMIN_DOORS[0], ADMIN_DOORS[1]])
async def test_with_keys_only_with_a_key(
    make_client: Ask, method: str, path: str
) -> None:
    """
    As soon as there is a key, it is asked for, of this machine too.
    """
    client = await make_client("marlin")

    without = await client.request(method, path)
    wrong = await client.request(method, path, headers={"X-API-Key": "trout"})
    right = await client.request(
        method, path, headers={"Authorization": "Bearer marlin"}
    )

    assert (await problem_of(without))["code"] == "key_needed"
    assert (await problem_of(wrong))["code"] == "key_wrong"
    assert (without.status, wrong.status, right.status) == (401, 401, 200)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_probes_need_no_key(make_client: Ask, path: str) -> None:
    """
    A supervisor may ask without a key.
    """
    client = await make_client("marlin")

    assert (await client.get(path)).status == 200


# train


async def test_train_when_all_is_served(client: Client) -> None:
    """
    With nothing written that is not served the answer comes at once.
    """
    answer = await client.post("/train")

    assert answer.status == 200
    assert await answer.json() == {
        "message": "Model trained on 5 products.",
        "products_count": 5,
        "generation": 7,
    }


async def test_train_waits_for_what_was_written(
    client: Client, source: FakeSource, status: Status, requests: Requests
) -> None:
    """
    The answer comes when all that was written before the call is published, for which
    no debounce is waited for; and says what is served then.
    """
    written = source.tick()
    asking = asyncio.create_task(client.post("/train"))
    await until(lambda: requests._demands)
    assert not asking.done()
    source.tick()  # after the call: nothing to wait for

    assert requests.take_demands(written)
    status.served = Served(8, written, products=6, visible=4)

    answer = await asking
    assert answer.status == 200
    content = await answer.json()
    assert (content["products_count"], content["generation"]) == (6, 8)


@pytest.mark.parametrize("full", ["1", "true", "TRUE"])
async def test_full_waits_for_a_rebuild(
    client: Client, status: Status, requests: Requests, full: str
) -> None:
    """
    With `full` a rebuild is asked for, and waited for.
    """
    asking = asyncio.create_task(client.post(f"/train?full={full}"))
    await until(lambda: requests.is_waiting)
    assert not asking.done()

    status.served = Served(9, at(START), products=5, visible=4)
    requests.fulfil(status.served)

    answer = await asking
    assert (await answer.json())["generation"] == 9


async def test_orders_are_trained_apart(
    source: FakeSource, status: Status, requests: Requests, clock: FakeClock
) -> None:
    """
    Their door asks what follows them, and answers with what is said of them; how far it
    has read is there, too.
    """
    orders = Contact(Status(clock.clock), Requests())
    control = Control(source, status, requests, Keys(), orders=orders)
    async with TestClient(TestServer(control.make_app())) as client:
        asking = asyncio.create_task(client.post("/orders/train?full=1"))
        await until(lambda: orders.requests.is_waiting)
        orders.status.tally.total, orders.status.tally.done = 9, 4
        said = await (await client.get("/")).json()
        assert not requests.is_waiting
        assert not asking.done()
        orders.status.served = Served(3, at(START), products=8, visible=6)
        orders.requests.fulfil(orders.status.served)
        answer = await asking

        assert said["orders"]["scan"] == {"done": 4, "total": 9}
        assert await answer.json() == {
            "message": "Model trained on 8 orders.",
            "orders_count": 8,
            "generation": 3,
        }


async def test_without_orders_there_is_nothing_to_train(client: Client) -> None:
    """
    Which setting would name them is said.
    """
    answer = await client.post("/orders/train")

    assert answer.status == 404
    problem = await problem_of(answer)
    assert problem["code"] == "no_orders"
    assert "EVERSHELF_ORDERS_COLLECTION" in problem["detail"]


@pytest.mark.parametrize("full", ["0", "false"])
async def test_not_full(client: Client, requests: Requests, full: str) -> None:
    """
    `full` may be told to be false.
    """
    answer = await client.post(f"/train?full={full}")

    assert answer.status == 200
    assert not requests.is_waiting


@pytest.mark.parametrize(
    ("query", "parameter", "hint"),
    [
        ("full=yes", "full", "true, false, 1 or 0"),
        ("full=", "full", "true, false, 1 or 0"),
        ("full=1&full=0", "full", "more than once"),
        ("ful=1", "ful", "'full'"),
    ],
)
async def test_bad_parameters(
    client: Client, requests: Requests, query: str, parameter: str, hint: str
) -> None:
    """
    What cannot be meant is refused, and nothing is trained.
    """
    answer = await client.post(f"/train?{query}")

    assert answer.status == 400
    problem = await problem_of(answer)
    assert problem["code"] == "bad_parameters"
    assert [fault["parameter"] for fault in problem["errors"]] == [parameter]
    assert hint in problem["detail"]
    assert not requests.is_waiting


@pytest.mark.parametrize(
    "error",
    [
        Unreachable(),
        Refused("not allowed", "grant it"),
        PositionLost("collection_dropped"),
    ],
    ids=["unreachable", "refused", "lost"],
)
async def test_train_without_a_database(
    client: Client, source: FakeSource, error: ListenerError
) -> None:
    """
    When the database does not tell the time nothing can be promised; try again.
    """
    source.faults.plan("now", error)

    answer = await client.post("/train")

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "5"
    problem = await problem_of(answer)
    assert problem["code"] == "listener_unavailable"
    assert "not lost" in problem["detail"]


@pytest.mark.parametrize("path", ["/train", "/train?full=1"])
@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (State.REBUILDING, "history_lost", "it is rebuilding, history_lost."),
        (State.FAILED, "RuntimeError", "it is failed, RuntimeError."),
        (State.FOLLOWING, "", "it is following."),
    ],
    ids=["lost", "failed", "slow"],
)
async def test_train_that_takes_too_long(
    client: Client,
    source: FakeSource,
    status: Status,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    state: State,
    reason: str,
    words: str,
) -> None:
    """
    Whoever waits in vain is told what the listener is doing.
    """
    monkeypatch.setattr("listener.control.LONGEST_WAIT_S", 0.05)
    source.tick()
    status.enter(state, reason)

    answer = await client.post(path)

    assert answer.status == 503
    problem = await problem_of(answer)
    assert problem["code"] == "listener_unavailable"
    assert problem["detail"].endswith(words)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/train", 405), ("POST", "/", 405), ("GET", "/nothing", 404)],
)
async def test_no_such_door(client: Client, method: str, path: str, code: int) -> None:
    """
    What is not there is a problem as everything else.
    """
    answer = await client.request(method, path)

    assert answer.status == code
    assert await problem_of(answer)


# in its own thread


def test_served_in_the_background(
    source: FakeSource, status: Status, requests: Requests
) -> None:
    """
    The port answers while the caller's thread does something else, until it is stopped.
    """
    port = free_port()
    app = Control(source, status, requests, Keys()).make_app()

    stop = serve_in_background(app, port, name="control")
    url = f"http://127.0.0.1:{port}/health/ready"
    with urllib.request.urlopen(url, timeout=30) as answer:
        code = answer.status
    stop()

    assert code == 200
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=30)


def test_port_that_is_taken(
    source: FakeSource, status: Status, requests: Requests
) -> None:
    """
    A port that another program has is an error at once, and leaves no thread behind.
    """
    port = free_port()
    control = Control(source, status, requests, Keys())
    stop = serve_in_background(control.make_app(), port, name="control")
    try:
        with pytest.raises(OSError, match="in use"):
            serve_in_background(control.make_app(), port, name="control")
    finally:
        stop()


async def test_the_last_log_lines_are_for_admins(monkeypatch) -> None:
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
