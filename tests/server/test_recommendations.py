import asyncio

import pytest

from server import body as bodies


PATH = "/v1/recommendations"
KEY = {"X-API-Key": "secret"}


async def ask(client, *widgets, **options):
    answer = await client.post(PATH, json={"requests": list(widgets)}, **options)
    content = await answer.json(content_type=None)
    assert answer.status == 200, content
    return content["results"]


def ids(result):
    return [item["id"] for item in result["items"]]


async def test_one_item_is_similar(serve, shop):
    """
    One item finds what `similar` finds, with the same scores.
    """
    assert shop.index.visible == 4
    client = await serve()

    (result,) = await ask(client, {"items": ["k1"]})
    answer = await client.get("/v1/products/k1/similar")

    items = (await answer.json())["items"]
    assert ids(result) == [item["id"] for item in items] == ["k2", "k4"]
    for one, other in zip(result["items"], items, strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=2e-9)
        assert one["product"] == other["product"]


async def test_several_widgets(serve, shop):
    """
    Each widget has its own answer, in order, from one generation.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.post(
        PATH,
        json={
            "requests": [
                {"items": ["k1", {"id": "k4", "weight": 0.5}]},
                {"items": ["k1"], "limit": 1, "offset": 1},
                {"q": "outdoor"},
                {"items": ["k1"], "q": "tent", "in_stock": True},
                {"items": ["k1"], "same_category": True, "explain": True},
            ]
        },
    )

    content = await answer.json()
    found = [ids(result) for result in content["results"]]
    assert found == [["k2"], ["k4"], ["t1"], ["k2", "t1"], ["k2"]]
    assert content["model"]["generation"] == 1
    assert "Kitchen" in content["results"][4]["items"][0]["explain"]["sentence"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Evershelf-Generation"] == "1"


async def test_negative_items_push_away(serve, shop):
    """
    What is not wanted is not returned, and what is like it comes later.
    """
    assert shop.index.visible == 4
    client = await serve()

    plain, pushed = await ask(
        client,
        {"items": ["k4", "t1"]},
        {"items": ["k4", "t1"], "negative": ["k1"]},
    )

    assert ids(plain) == ["k2", "k1"] or ids(plain) == ["k1", "k2"]
    assert "k1" not in ids(pushed)


async def test_unknown_items_are_told(serve, shop):
    """
    A cart may hold what is gone or hidden: the rest is answered.
    """
    assert shop.index.visible == 4
    client = await serve()

    some, none = await ask(
        client,
        {"items": ["gone", "k1", "k3"], "negative": ["lost"]},
        {"items": ["gone"]},
    )

    assert ids(some) == ["k2", "k4"]
    assert some["unknown"] == ["gone", "k3", "lost"]
    assert none == {"items": [], "unknown": ["gone"]}


async def test_admin_may_ask_with_hidden_items(serve, shop):
    """
    Who sends the admin key asks with hidden products, and gets none.
    """
    assert shop.index.visible == 4
    client = await serve(keys=["secret"])

    (result,) = await ask(client, {"items": ["k3"]}, headers=KEY)

    assert ids(result)[0] == "k1"
    assert result["unknown"] == []
    assert "k3" not in ids(result)


@pytest.mark.parametrize(
    ("content", "parameter", "says"),
    [
        ({}, "requests", "required"),
        ({"requests": []}, "requests", "at least 1"),
        ({"requests": [{}]}, "requests.0", "needs items or q"),
        ({"requests": [{"items": []}]}, "requests.0", "needs items or q"),
        ({"requests": [{"q": "a"}] * 21}, "requests", "at most 20"),
        ({"requests": "all"}, "requests", "valid"),
        ({"requests": [{"items": ["a"] * 101}]}, "requests.0.items", "at most 100"),
        ({"requests": [{"items": [5]}]}, "requests.0.items.0", "object"),
        ({"requests": [{"items": [{}]}]}, "requests.0.items.0.id", "required"),
        (
            {"requests": [{"items": [{"id": "a", "weight": 0}]}]},
            "requests.0.items.0.weight",
            "greater than 0",
        ),
        ({"requests": [{"q": "a", "limit": "5"}]}, "requests.0.limit", "integer"),
        ({"requests": [{"q": "a", "limit": True}]}, "requests.0.limit", "integer"),
        ({"requests": [{"q": "a", "limt": 5}]}, "requests.0.limt", "'limit'"),
        (
            {"requests": [{"items": [{"id": "a", "wieght": 1}]}]},
            "requests.0.items.0.wieght",
            "'weight'",
        ),
        (
            {"requests": [{"q": "a", "min_price": 2, "max_price": 1}]},
            "requests.0.max_price",
            "min_price=2",
        ),
        ({"requests": [{"q": "a"}], "afterr": 1}, "afterr", "not known"),
        ([], "body", "object"),
        ("text", "body", "object"),
    ],
)
async def test_wrong_body(serve, shop, content, parameter, says):
    """
    What is wrong is named by its path, with what would be right.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.post(PATH, json=content)

    problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (400, "bad_parameters")
    (fault,) = problem["errors"]
    assert fault["parameter"] == parameter
    assert says in fault["message"] + fault["remedy"]
    assert fault["remedy"]


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b"[1,]"])
async def test_body_that_is_no_json(serve, shop, sent):
    """
    What cannot be read is told with where it goes wrong.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.post(
        PATH, data=sent, headers={"Content-Type": "application/json"}
    )

    problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (400, "bad_json")
    assert "no JSON" in problem["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_body_of_another_type(serve, shop, kind):
    """
    Only JSON is taken, and it must be said to be that.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.post(
        PATH, data=b'{"requests":[{"q":"a"}]}', headers={"Content-Type": kind}
    )

    problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (415, "unsupported_media_type")


async def test_body_that_is_too_large(serve, shop):
    """
    More than twenty carts need is not read.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.post(PATH, json={"requests": [{"q": "a" * 300_000}]})

    assert answer.status == 413


async def test_body_that_does_not_arrive(serve, shop, monkeypatch):
    """
    Who promises a body and sends none is not waited for.
    """
    assert shop.index.visible == 4
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.05)
    client = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(
        b"POST /v1/recommendations HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n"
        b"Content-Type: application/json\r\n\r\n{"
    )

    line = await asyncio.wait_for(reader.readline(), 30)

    writer.close()
    await writer.wait_closed()
    assert int(line.split()[1]) == 408


async def test_parameters_belong_in_the_body(serve, shop):
    """
    A query string is not silently passed over.
    """
    assert shop.index.visible == 4
    client = await serve()

    answer = await client.post(f"{PATH}?limit=5", json={"requests": [{"q": "a"}]})

    assert answer.status == 400
