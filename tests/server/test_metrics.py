"""
What the server counts, and who may see it; tests/e2e scrapes the real one.
"""

import asyncio
import time

import pytest

from recommender.position import State
from server.access import Keys
from server.app import House
from server.gate import Gate
from tests.support.metrics import to_samples, value
from tests.support.products import make_product
from tests.support.shops import until


REQUESTS = "evershelf_server_requests_total"


async def scrape(client, **headers):
    answer = await client.get("/metrics", headers=headers)
    assert answer.status == 200
    assert answer.content_type == "text/plain"
    assert answer.headers["Cache-Control"] == "no-store"
    return await answer.text()


async def test_requests_are_counted_by_route_and_status(serve, shop):
    """
    The label is the address as described, so that no product makes a series.
    """
    assert shop.index.visible == 4
    client = await serve()
    etag = None
    for product_id in ("k1", "k2", "nobody"):
        answer = await client.get(f"/v1/products/{product_id}/similar")
        etag = etag or answer.headers["ETag"]
    await client.get("/v1/products/k1/similar", headers={"If-None-Match": etag})
    await client.get("/wp-admin/k1")
    await client.request("DELETE", "/v1/model")

    text = await scrape(client)

    similar = "/v1/products/{id}/similar"
    requests = to_samples(text)[REQUESTS]
    assert requests[similar, "200"] == 2
    assert requests[similar, "304"] == 1
    assert requests[similar, "404"] == 1
    assert requests["none", "404"] == 1
    assert requests["none", "405"] == 1
    assert "k1" not in text
    count = "evershelf_server_request_seconds_count"
    assert value(text, count, similar) == 4
    assert value(text, "evershelf_server_request_seconds_sum", similar) > 0


async def test_model_is_told(serve, shop):
    """
    What is served, how long it took to come, and how fresh it is.
    """
    shop.say()
    client = await serve()

    text = await scrape(client)

    assert value(text, "evershelf_server_generation") == 1
    assert value(text, "evershelf_server_products") == 5
    assert value(text, "evershelf_server_visible_products") == 4
    assert value(text, "evershelf_server_segments") == 1
    assert value(text, "evershelf_server_load_seconds_count") == 1
    assert value(text, "evershelf_server_publish_to_serve_seconds_count") == 1
    assert value(text, "evershelf_server_stale") == 0
    assert value(text, "evershelf_server_lag_seconds") == 0
    assert value(text, "process_resident_memory_bytes") > 1e6


@pytest.mark.parametrize(("ago_s", "at_least_s"), [(3.0, 3.0), (-60.0, 0.0)])
async def test_write_to_serve(serve, shop, ago_s, at_least_s):
    """
    It is measured once for each generation that names a write, never negative where the
    database's clock is ahead, and not for the one that a start finds.
    """
    shop.publish(written_s=time.time() - 3_600)
    client = await serve()
    for written_s in (time.time() - ago_s, None):
        shop.put(make_product("new", f"kettle {written_s}"))
        published = shop.publish(written_s=written_s).generation
        await until(
            lambda number=published: client.live.served.snapshot.generation == number
        )
        await scrape(client)
    shop.say()  # the same generation again

    async with asyncio.timeout(60):  # it is counted a moment after it is served
        text = await scrape(client)
        while value(text, "evershelf_server_publish_to_serve_seconds_count") < 3:
            text = await scrape(client)

    assert value(text, "evershelf_server_publish_to_serve_seconds_count") == 3
    assert value(text, "evershelf_server_write_to_serve_seconds_count") == 1
    total_s = value(text, "evershelf_server_write_to_serve_seconds_sum")
    assert at_least_s <= total_s < at_least_s + 30


async def test_staleness_is_told(serve, shop):
    """
    A listener in trouble makes it stale.
    """
    shop.say(state=State.RETRYING, reason="unreachable")
    client = await serve()

    assert value(await scrape(client), "evershelf_server_stale") == 1


async def test_before_the_first_model(serve):
    """
    Nothing is made up.
    """
    samples = to_samples(await scrape(await serve()))

    assert samples["evershelf_server_generation"] == {(): 0}
    assert "evershelf_server_as_of_timestamp_seconds" not in samples
    assert "evershelf_server_stale" not in samples


async def test_damage_is_told(serve, shop, tmp_path):
    """
    A generation that cannot be read is counted once, and told as long as it lasts.
    """
    client = await serve()
    pointer = tmp_path / "data" / "model" / "current.json"
    whole = pointer.read_bytes()
    pointer.write_bytes(b"{")
    await until(lambda: client.live.served.fault)

    during = await scrape(client)
    pointer.write_bytes(whole)
    await until(lambda: not client.live.served.fault)
    after = await scrape(client)

    assert value(during, "evershelf_server_load_fault") == 1
    assert value(after, "evershelf_server_load_fault") == 0
    assert value(after, "evershelf_server_load_faults_total") == 1


async def test_streams_are_told_and_not_timed(serve, shop):
    """
    A stream is counted while it is open, and says nothing of how fast answers are.
    """
    assert shop.index.visible == 4
    client = await serve()
    async with client.get("/v1/events") as stream:
        await stream.content.readline()
        during = await scrape(client)
    shop.say(reason="news")  # a stream that nobody reads is noticed when it is told
    after = await scrape(client)
    while value(after, "evershelf_server_streams"):
        after = await scrape(client)

    assert value(during, "evershelf_server_streams") == 1
    assert value(after, "evershelf_server_streams") == 0
    timed = to_samples(after)["evershelf_server_request_seconds_count"]
    assert ("/v1/events",) not in timed


@pytest.mark.parametrize(
    ("admin", "metrics", "headers", "status"),
    [
        ((), (), {}, 200),
        ((), (), {"X-Forwarded-For": "192.0.2.1"}, 403),
        ((), (), {"Host": "shop.example"}, 403),
        (("admin",), (), {}, 401),
        (("admin",), (), {"X-API-Key": "admin"}, 200),
        (("admin",), ("scraper",), {"Authorization": "Bearer scraper"}, 200),
        (("admin",), ("scraper",), {"Authorization": "Bearer admin"}, 200),
        (("admin",), ("scraper",), {"X-API-Key": "other"}, 401),
        ((), ("scraper",), {}, 401),
        ((), ("scraper",), {"X-API-Key": "scraper"}, 200),
    ],
    ids=[
        "local", "forwarded", "by-name", "no-key", "admin-key", "metrics-key",
        "admin-key-beside", "wrong-key", "no-metrics-key", "metrics-key-alone",
    ],
)  # fmt: skip
async def test_who_may(serve, admin, metrics, headers, status):
    """
    Without keys this machine only, with keys only with one of them.
    """
    gate = Gate(admin_keys=Keys.of(admin))
    client = await serve(house=House(gate, metrics_keys=Keys.of(metrics)))

    answer = await client.get("/metrics", headers=headers)

    assert answer.status == status


async def test_metrics_key_opens_nothing_else(serve):
    """
    Who may scrape may not train.
    """
    gate = Gate(admin_keys=Keys.of(["admin"]))
    client = await serve(house=House(gate, metrics_keys=Keys.of(["scraper"])))

    answer = await client.post("/train", headers={"X-API-Key": "scraper"})

    assert answer.status == 401
