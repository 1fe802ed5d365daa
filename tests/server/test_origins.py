import pytest

from server.app import House
from server.origins import Origins


SHOP = "https://shop.example"
ASKS = {"Access-Control-Request-Method": "POST"}
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture(name="client")
async def _client(serve, shop):
    assert shop.index.visible == 4
    return await serve(house=House(origins=Origins.of([SHOP, "http://Local:3000/"])))


@pytest.mark.parametrize("origin", [SHOP, "http://local:3000"])
@pytest.mark.parametrize(
    "path", ["/v1/products/k1/similar", "/v1/products/k9", "/v1/products/k1?x=1"]
)
async def test_pages_on_the_list_may_read(client, origin, path):
    """
    Answers of any status are open to pages of the sites named, and their headers.
    """
    answer = await client.get(path, headers={"Origin": origin})

    assert answer.headers[ALLOW] == origin
    assert answer.headers["Vary"].startswith("Origin")
    assert "Evershelf-Generation" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://shop.example", f"{SHOP}.evil"]
)
async def test_other_pages_may_not(client, origin):
    """
    A browser keeps the answer from any other page; caches keep the two apart.
    """
    answer = await client.get("/v1/products/k1", headers={"Origin": origin})
    asked = await client.options("/v1/products/k1", headers={"Origin": origin} | ASKS)

    assert ALLOW not in answer.headers
    assert answer.headers["Vary"].startswith("Origin")
    assert asked.status == 405
    assert ALLOW not in asked.headers


async def test_browser_that_asks_first(client):
    """
    A preflight is told what may be sent.
    """
    answer = await client.options(
        "/v1/recommendations", headers={"Origin": SHOP} | ASKS
    )

    assert answer.status == 204
    assert answer.headers[ALLOW] == SHOP
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "X-API-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/train", "/", "/health/ready"])
async def test_doors_that_are_not_for_pages(client, path):
    """
    What writes, and what is for probes, is open to no other site's page.
    """
    asked = await client.options(path, headers={"Origin": SHOP} | ASKS)
    answer = await client.get("/", headers={"Origin": SHOP})

    assert asked.status == 405
    assert ALLOW not in asked.headers
    assert ALLOW not in answer.headers


async def test_stream_is_open_too(client):
    """
    A stream's headers are sent before its end.
    """
    answer = await client.get("/v1/events", headers={"Origin": SHOP})

    assert answer.headers[ALLOW] == SHOP
    answer.close()


async def test_any_page(serve, shop):
    """
    A star opens to all, and caches need not keep them apart.
    """
    assert shop.index.visible == 4
    client = await serve(house=House(origins=Origins.of(["*"])))

    answer = await client.get("/v1/products/k1", headers={"Origin": "null"})

    assert answer.headers[ALLOW] == "*"
    assert "Vary" not in answer.headers


async def test_nobody_by_default(serve, shop):
    """
    Without the setting nothing is said.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get("/v1/products/k1", headers={"Origin": SHOP})

    assert ALLOW not in answer.headers
    assert "Vary" not in answer.headers
