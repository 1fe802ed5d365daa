import shutil

import pytest

from recommender.position import State
from server.draining import Draining
from tests.support.shops import until


async def test_before_the_first_model(serve):
    """
    The process lives and says so, but is not ready, and has no model to tell of.
    """
    client = await serve()

    health = await client.get("/")
    ready = await client.get("/health/ready")
    model = await client.get("/v1/model")

    assert health.status == 200
    assert await health.json() == {
        "status": "no_model",
        "service": "evershelf",
        "products_count": 0,
        "model": None,
    }
    assert (await client.get("/health/live")).status == 200
    for answer in (ready, model):
        problem = await answer.json(content_type=None)
        assert (answer.status, problem["code"]) == (503, "no_model")
        assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain"])
async def test_health_as_the_classic_service_had_it(serve, shop, accept):
    """
    The classic keys are there, counting hidden products too, and no cache keeps them.
    """
    shop.say()
    client = await serve()

    answer = await client.get("/", headers={"Accept": accept})

    body = await answer.json()
    assert (body["status"], body["service"]) == ("ok", "evershelf")
    assert body["products_count"] == 5
    assert body["model"]["generation"] == 1
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_browser_is_sent_to_the_page(serve):
    """
    Who asks for HTML gets the page, and caches keep the two apart.
    """
    client = await serve()
    accept = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"

    answer = await client.get("/", headers={"Accept": accept}, allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (302, "/ui/")
    assert "Accept" in answer.headers["Vary"]


async def test_stale_is_told_and_no_failure(serve, shop):
    """
    Out of date is not out of service.
    """
    shop.say(state=State.RETRYING, reason="unreachable")
    client = await serve()

    answer = await client.get("/")

    body = await answer.json()
    assert (answer.status, body["status"]) == (200, "stale")
    assert body["model"]["reason"] == "unreachable"
    assert (await client.get("/health/ready")).status == 200


async def test_once_ready_always_ready(serve, shop):
    """
    A model that was served once is served on, even when the store is gone.
    """
    client = await serve()
    assert (await client.get("/health/ready")).status == 200
    shutil.rmtree(shop.folder)
    await until(lambda: client.live.served.fault)

    assert (await client.get("/health/ready")).status == 200
    assert (await client.get("/v1/products/k1")).status == 200


async def test_before_a_stop(serve, shop):
    """
    Probes learn that the server is about to stop, and each answer ends its connection;
    what is asked is answered as ever.
    """
    assert shop.index.visible == 4
    draining = Draining()
    client = await serve(draining=draining)
    before = await client.get("/v1/products/k1")
    draining.is_on = True

    ready = await client.get("/health/ready")
    answer = await client.get("/v1/products/k1")

    problem = await ready.json(content_type=None)
    assert (ready.status, problem["code"]) == (503, "draining")
    assert answer.status == 200
    assert answer.headers["Connection"] == "close"
    assert before.headers.get("Connection") != "close"


async def test_what_the_library_refuses_by_itself(serve):
    """
    What comes to no door is answered under our name, not under the library's, and
    ends its connection while the server drains.
    """
    draining = Draining()
    client = await serve(draining=draining)
    unmeant = {"Expect": "the unexpected"}

    before = await client.get("/health/live", headers=unmeant)
    draining.is_on = True
    after = await client.get("/health/live", headers=unmeant)

    assert (before.status, after.status) == (417, 417)
    assert after.headers["Server"] == before.headers["Server"] == "evershelf"
    assert after.headers["Connection"] == "close"
    assert before.headers.get("Connection") != "close"
