import pytest

from structlog.testing import capture_logs


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
        "log_level": "debug",
        "method": "GET",
        "path": "/v1/products/k1/similar",
        "status": 200,
        "request_id": "abc",
    }


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/v1/model?x=1", 400), ("/v1/model", 503)]
)
async def test_refusals_are_no_errors(serve, path, status):
    """
    What callers do wrong, and a model that is not there yet, floods no log.
    """
    answer, (line,) = await ask(serve, path)

    assert (answer.status, line["status"]) == (status, status)
    assert line["log_level"] == "debug"


async def test_defect_is_an_error(serve, shop, monkeypatch):
    """
    A defect has its traceback once, and its request's line shows at any level.
    """
    assert shop.index.products == 5

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("server.products.select", fail)
    answer, lines = await ask(serve, "/v1/products/k1/similar")

    assert answer.status == 500
    assert [line["event"] for line in lines] == ["request.failed", "request"]
    assert [line["log_level"] for line in lines] == ["error", "error"]
    assert isinstance(lines[0]["exc_info"], ZeroDivisionError)
    assert len({line["request_id"] for line in lines}) == 1
