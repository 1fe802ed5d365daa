import asyncio

import pytest

from recommender.position import ClusterTime
from tests.support.products import make_product
from tests.support.shops import AS_OF, until


LATER = ClusterTime(AS_OF.seconds, AS_OF.increment + 1)
AFTER = f"{LATER.seconds}.{LATER.increment}"
PATHS = [
    "/v1/products/k1/similar",
    "/v1/products/k1",
    "/v1/products/latest",
    "/v1/search?q=kettle",
    "/v1/categories",
    "/v1/model",
]


def ask(client, path, **query):
    return client.get(path, params=query)


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_in_is_answered_at_once(serve, shop, path):
    """
    Nobody waits for what the model holds already; the answer says that it does, and no
    cache keeps it.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await ask(client, path, after="1700000000.1")

    assert answer.status == 200
    body = await answer.json()
    assert body.get("model", body)["reached"] is True
    assert answer.headers["Evershelf-Reached"] == "true"
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", PATHS)
async def test_end_of_the_wait(serve, shop, path):
    """
    What does not come in time is not waited for longer: the answer is made of what
    there is, and says so.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await ask(client, path, after=AFTER, wait_ms="10")

    assert answer.status == 200
    assert answer.headers["Evershelf-Reached"] == "false"


async def test_own_write_is_waited_for(serve, shop):
    """
    Who asks for its own write gets the first answer that holds it.
    """
    client = await serve()
    asking = asyncio.create_task(
        ask(client, "/v1/products/new/similar", after=AFTER, wait_ms="10000")
    )
    await asyncio.sleep(0)
    shop.put(make_product("elsewhere", "tent"))
    shop.publish()
    await until(lambda: client.live.served.snapshot.generation == 2)
    assert not asking.done()
    shop.put(make_product("new", "red kettle"))
    shop.publish(as_of=LATER)

    answer = await asking

    assert answer.status == 200
    assert (await answer.json())["model"] == {
        "generation": 3,
        "as_of": "2023-11-14T22:13:20Z",
        "cluster_time": "1700000000:2",
        "lag_ms": 0,
        "stale": False,
        "reached": True,
    }


async def test_write_that_changed_nothing_is_waited_for(serve, shop):
    """
    A listener that has found nothing to publish up to there says so by its position.
    """
    client = await serve()
    asking = asyncio.create_task(
        ask(client, "/v1/products/k1", after=AFTER, wait_ms="10000")
    )
    await asyncio.sleep(0)
    shop.say(as_of=LATER)

    answer = await asking

    assert answer.headers["Evershelf-Reached"] == "true"
    assert answer.headers["Evershelf-Generation"] == "1"


async def test_time_of_the_wall_clock(serve, shop):
    """
    A second is in once the next one has begun.
    """
    client = await serve()
    when = "2023-11-14T22:13:20Z"

    early = await ask(client, "/v1/products/k1", after=when, wait_ms="0")
    shop.say(as_of=ClusterTime(AS_OF.seconds + 1, 1))
    await until(lambda: client.live.served.position.as_of.seconds > AS_OF.seconds)
    late = await ask(client, "/v1/products/k1", after=when, wait_ms="0")

    assert early.headers["Evershelf-Reached"] == "false"
    assert late.headers["Evershelf-Reached"] == "true"


async def test_problem_says_whether_it_was_reached(serve, shop):
    """
    A product that is not there yet may be on its way.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await ask(client, "/v1/products/new", after=AFTER, wait_ms="1")

    assert answer.status == 404
    assert answer.headers["Evershelf-Reached"] == "false"


async def test_recommendations_wait_too(serve, shop):
    """
    There it stands in the body.
    """
    assert shop.index.visible == 4
    client = await serve()
    body = {"requests": [{"items": ["k1"]}], "after": AFTER, "wait_ms": 1}

    answer = await client.post("/v1/recommendations", json=body)

    assert (await answer.json())["model"]["reached"] is False


@pytest.mark.parametrize(
    "query", [{"after": "soon"}, {"wait_ms": "10001"}, {"wait_ms": "-1"}]
)
async def test_wrong_moment(serve, shop, query):
    """
    What is no moment, and a wait without end, are refused.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await ask(client, "/v1/products/k1", **query)

    assert answer.status == 400


async def test_nothing_served_yet(serve, tmp_path):
    """
    Before the first model one can wait for it.
    """
    client = await serve(folder=tmp_path / "nothing")

    answer = await ask(client, "/v1/products/k1", after=AFTER, wait_ms="1")

    assert answer.status == 503


async def test_who_waits_does_not_hold_up_a_stop(serve, shop):
    """
    When the server stops, those who wait are answered from what there is.
    """
    assert shop.index.visible == 4
    client = await serve()
    asking = asyncio.create_task(
        ask(client, "/v1/products/k1", after=AFTER, wait_ms="10000")
    )
    await until(lambda: client.server.runner.server.connections)
    await asyncio.sleep(0.01)

    async with asyncio.timeout(5):
        await client.app.shutdown()
        answer = await asking

    assert answer.status == 200
    assert answer.headers["Evershelf-Reached"] == "false"
