"""
More is asked than can be answered.
"""

from __future__ import annotations

import asyncio

import pytest

from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from server import recommendations, shedding
from server.app import House
from server.metrics import Metrics
from server.shedding import Overloaded, Shedding
from tests.support.metrics import value
from tests.support.shops import until


SIMILAR = "/v1/products/k1/similar"
WIDGET = {"requests": [{"items": ["k1"]}]}


class Work:
    """
    A clock, of a processor that only works, and a handler that uses up time of it.
    """

    def __init__(self, each_s: float) -> None:
        self.now_s = 0.0
        self._each_s = each_s

    def __call__(self) -> float:
        return self.now_s

    def handle(self) -> None:
        """
        Use up the time of one request.
        """
        self.now_s += self._each_s


def ask(shed: Shedding, work: Work, path: str = SIMILAR) -> bool:
    """
    Say whether one request is answered; the loop makes no turn meanwhile.
    """
    try:
        shed.check(make_mocked_request("GET", path))
    except Overloaded:
        return False
    work.handle()
    return True


async def test_the_rest_of_a_long_turn_is_turned_away() -> None:
    """
    Those are answered that begin within the limit; the next turn begins anew.
    """
    work = Work(each_s=0.2)
    shed = Shedding(0.5, Metrics(), work, work)

    first = [ask(shed, work) for _ in range(5)]
    await asyncio.sleep(0)
    second = [ask(shed, work) for _ in range(5)]

    assert first == second == [True, True, True, False, False]


async def test_another_programs_work_sheds_nothing() -> None:
    """
    A turn that took long because the processor was another's has not worked for long.
    """
    work, others = Work(each_s=0.1), Work(each_s=10.0)
    shed = Shedding(0.5, Metrics(), work, others)

    answered = []
    for _ in range(8):
        answered.append(ask(shed, work))
        others.handle()

    assert answered == [True] * 6 + [False] * 2


async def test_turns_before_have_no_part_in_it() -> None:
    """
    Many short turns are no long one, also where another program makes each take long.
    """
    work, others = Work(each_s=0.004), Work(each_s=0.1)
    shed = Shedding(0.02, Metrics(), work, others)

    for _ in range(50):
        assert ask(shed, work)
        others.handle()
        assert ask(shed, work)
        await asyncio.sleep(0)


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics"])
async def test_health_is_always_answered(path: str) -> None:
    """
    Who watches must not take a busy server for a dead one.
    """
    work = Work(each_s=1.0)
    shed = Shedding(0.5, Metrics(), work, work)

    answered = [ask(shed, work) for _ in range(3)]

    assert answered == [True, False, False]
    assert ask(shed, work, path)


async def test_zero_sheds_nothing() -> None:
    """
    Whatever the work.
    """
    work = Work(each_s=100.0)
    shed = Shedding(0.0, Metrics(), work, work)

    assert all(ask(shed, work) for _ in range(5))


async def test_beginning_and_end_are_one_line_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    However many are turned away between.
    """
    monkeypatch.setattr(shedding, "CALM_S", 0.05)
    work = Work(each_s=1.0)
    shed = Shedding(0.5, Metrics(), work, work)

    with capture_logs() as lines:
        answered = [ask(shed, work) for _ in range(4)]
        await until(lambda: len(lines) == 2)

    assert answered == [True, False, False, False]
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("server.overloaded", "warning"),
        ("server.relieved", "info"),
    ]
    assert lines[1]["shed"] == 3


async def test_who_is_turned_away_is_told_when_to_come_back(serve, shop) -> None:
    """
    503 with a problem and `Retry-After`, which pages of other sites may read, too; it
    is counted.
    """
    assert shop.index.visible == 4
    client = await serve(house=House(shed_after_s=1e-12))

    async with asyncio.timeout(60):
        statuses: list[int] = []
        while 503 not in statuses:
            answers = await asyncio.gather(*[client.get(SIMILAR) for _ in range(20)])
            statuses = [answer.status for answer in answers]
    shed = answers[statuses.index(503)]
    problem = await shed.json(content_type="application/problem+json")

    assert set(statuses) == {200, 503}
    assert problem["code"] == "overloaded"
    assert shed.headers["Retry-After"] == "1"
    assert shed.headers["Cache-Control"] == "no-store"
    assert shed.headers["Evershelf-Generation"]
    assert (await client.get("/health/live")).status == 200
    text = await (await client.get("/metrics")).text()
    assert value(text, "evershelf_server_shed_total") >= statuses.count(503)


async def test_calls_that_wait_for_a_thread_are_bounded(
    serve, shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Carts are worked out in threads; one more than may be at once is turned away, and
    the next is answered once there is room again.
    """
    assert shop.index.visible == 4
    monkeypatch.setattr(recommendations, "MOST_AT_ONCE", 0)
    client = await serve()

    refused = await client.post("/v1/recommendations", json=WIDGET)
    monkeypatch.setattr(recommendations, "MOST_AT_ONCE", 1)
    taken = [await client.post("/v1/recommendations", json=WIDGET) for _ in range(3)]

    problem = await refused.json(content_type="application/problem+json")
    assert (refused.status, problem["code"]) == (503, "overloaded")
    assert [answer.status for answer in taken] == [200, 200, 200]
