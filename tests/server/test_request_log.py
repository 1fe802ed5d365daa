import pytest

from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from server.app import House
from server.request_log import FAILURES_PER_S, RequestLog
from tests.support.clock import FakeClock


@pytest.fixture(name="clock")
def _clock():
    return FakeClock()


async def ask(serve, path, **more):
    """
    Return the lines about one request.
    """
    client = await serve()
    with capture_logs() as lines:
        answer = await client.get(path, **more)
    return answer, [line for line in lines if line["event"].startswith("request")]


async def test_each_request_is_one_line(serve, shop):
    """
    The line has what was asked, without its query, and what came of it.
    """
    assert shop.index.products == 5
    answer, (line,) = await ask(
        serve, "/v1/products/k1/similar?limit=1", headers={"X-Request-ID": "abc"}
    )

    assert answer.status == 200
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/v1/products/k1/similar",
        "status": 200,
        "request_id": "abc",
        "skipped": 0,
    }


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/v1/model?x=1", 400), ("/v1/model", 503)]
)
async def test_refusals_are_no_errors(serve, path, status):
    """
    What callers do wrong, and a model that is not there yet, is told as what goes well.
    """
    answer, (line,) = await ask(serve, path)

    assert (answer.status, line["status"]) == (status, status)
    assert line["log_level"] == "info"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_probes_are_no_news(serve, path):
    """
    What machines ask without end is told at debug level.
    """
    _, (line,) = await ask(serve, path)

    assert line["log_level"] == "debug"


def test_under_load_some_are_told(clock):
    """
    So many lines a second are seen, and each says how many were not before it; a
    failure does not stand behind them.
    """
    log = RequestLog(2, clock.monotonic)
    with capture_logs() as lines:
        for status in (200, 200, 200, 404, 200, 500):
            log.note(make_mocked_request("GET", "/v1/model"), status, 0.001)
        clock.advance(1)
        log.note(make_mocked_request("GET", "/v1/model"), 200, 0.001)

    seen = [line for line in lines if line["log_level"] != "debug"]
    assert [line["status"] for line in seen] == [200, 200, 500, 200]
    assert [line["skipped"] for line in seen] == [0, 0, 3, 0]
    assert len(lines) == 7


def test_failures_are_no_flood(clock):
    """
    When every request fails some are told, others that go well beside them, and the
    next says how many were not.
    """
    log = RequestLog(1, clock.monotonic)
    with capture_logs() as lines:
        for _ in range(FAILURES_PER_S + 7):
            log.note(make_mocked_request("GET", "/v1/model"), 500, 0.001)
        log.note(make_mocked_request("GET", "/v1/model"), 200, 0.001)
        clock.advance(1)
        log.note(make_mocked_request("GET", "/v1/model"), 500, 0.001)

    levels = [line["log_level"] for line in lines]
    assert levels.count("error") == FAILURES_PER_S + 1
    assert levels.count("debug") == 7
    assert [(line["status"], line["skipped"]) for line in lines[-2:]] == [
        (200, 7),
        (500, 0),
    ]


async def test_none_are_told(serve):
    """
    With 0 only failures are seen.
    """
    client = await serve(house=House(request_lines_per_s=0))
    with capture_logs() as lines:
        await client.get("/")

    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["log_level"] == "debug"


async def test_defect_is_an_error(serve, shop, monkeypatch):
    """
    A defect has its traceback once, and its request's line shows at any level.
    """
    assert shop.index.products == 5

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("server.selection.to_hits", fail)
    answer, lines = await ask(serve, "/v1/products/k1/similar")

    assert answer.status == 500
    assert [line["event"] for line in lines] == ["request.failed", "request"]
    assert [line["log_level"] for line in lines] == ["error", "error"]
    assert isinstance(lines[0]["exc_info"], ZeroDivisionError)
    assert len({line["request_id"] for line in lines}) == 1
