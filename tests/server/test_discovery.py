import pytest

from tests.support.products import make_product


async def ids_of(client, path, **query):
    answer = await client.get(path, params=query)
    assert answer.status == 200, await answer.text()
    return [item["id"] for item in (await answer.json())["items"]]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"q": "blue KETTLE"}, ["k4", "k1", "k2"]),
        ({"q": "tent"}, ["t1"]),
        ({"q": "brimm"}, ["k4"]),
        ({"q": "kitchen", "limit": "1"}, ["k1"]),
        ({"q": "kettle", "in_stock": "true", "max_price": "15"}, ["k2"]),
        ({"q": "kettle", "exclude": "k1,k4"}, ["k2"]),
        ({"q": "pending"}, []),
        ({"q": "unheard of"}, []),
    ],
)
async def test_search(serve, shop, query, ids):
    """
    Words find what says them, as filtered; hidden products never.
    """
    assert shop.index.visible == 4
    client = await serve()

    assert await ids_of(client, "/v1/search", **query) == ids


async def test_search_explained(serve, shop):
    """
    The words that were typed are the reason.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get("/v1/search", params={"q": "blue", "explain": "true"})

    (item,) = (await answer.json())["items"]
    assert item["explain"]["sentence"] == "With “blue” in common."
    assert item["explain"]["price"] is None


@pytest.mark.parametrize("query", ["", "?q=", f"?q={'x' * 301}", "?q=a&cheaper=true"])
async def test_search_that_asks_nothing(serve, shop, query):
    """
    Words must be given, and no rules about a product seen.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get(f"/v1/search{query}")

    problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (400, "bad_parameters")
    assert len(problem["errors"]) == 1


async def test_latest(serve, shop):
    """
    Newest first, then those without a time; filters and pages as elsewhere, no score.
    """
    shop.put(
        make_product("n1", "new", created_s=2e9, brand="Aldo"),
        make_product("n2", "newer", created_s=2.1e9),
        make_product("n3", "newest", created_s=2.2e9, visible=False),
    )
    shop.publish()
    client = await serve()

    everything = await ids_of(client, "/v1/products/latest")
    page = await ids_of(client, "/v1/products/latest", offset="1", limit="2")
    filtered = await ids_of(client, "/v1/products/latest", brand="aldo", limit="1")
    answer = await client.get("/v1/products/latest?limit=1&fields=brand")

    assert everything == ["n2", "n1", "t1", "k4", "k2", "k1"]
    assert page == ["n1", "t1"]
    assert filtered == ["n1"]
    assert (await answer.json())["items"] == [{"id": "n2", "product": {}}]


@pytest.mark.parametrize("name", ["q", "min_score", "diversity", "explain", "cheaper"])
async def test_latest_is_like_nothing(serve, shop, name):
    """
    What is about likeness is not known there.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get("/v1/products/latest", params={name: "1"})

    assert answer.status == 400


async def test_categories(serve, shop):
    """
    Each category with its count, and a tag that a change elsewhere keeps.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.get("/v1/categories")
    again = await client.get(
        "/v1/categories", headers={"If-None-Match": answer.headers["ETag"]}
    )

    assert (await answer.json())["items"] == [
        {"path": "Home", "name": "Home", "products": 2},
        {"path": "Home > Kitchen", "name": "Kitchen", "products": 2},
        {"path": "Outdoor", "name": "Outdoor", "products": 1},
    ]
    assert again.status == 304
