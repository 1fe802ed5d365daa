import asyncio
import contextlib
import itertools
import shutil

from functools import partial
from urllib.parse import quote

import pytest

from recommender.address import to_address
from recommender.position import ClusterTime, State
from recommender.product import Product
from recommender.store import CURRENT
from tests.support.products import make_catalogue, make_key, make_product
from tests.support.shops import AS_OF, Shop, make_kettles, until


KEY = {"X-API-Key": "secret"}
KITCHEN = ("Home", "Kitchen")


async def similar(client, id_="k1", expected=200, headers=None, **query):
    answer = await client.get(
        f"/v1/products/{quote(id_, safe='')}/similar", params=query, headers=headers
    )
    assert answer.status == expected
    return await answer.json(content_type=None)


async def similar_ids(client, id_="k1", **query):
    return [item["id"] for item in (await similar(client, id_, **query))["items"]]


async def test_similar_products(serve, shop):
    """
    The visible neighbours come best first, with their scores and what a page shows,
    from a model that says how fresh it is.
    """
    shop.say()
    client = await serve()

    body = await similar(client)

    hits = client.live.served.snapshot.similar(make_key("k1"), limit=10)
    assert [item["id"] for item in body["items"]] == ["k2", "k4"]
    assert [item["score"] for item in body["items"]] == [
        round(hit.score, 9) for hit in hits
    ]
    assert body["items"][0]["product"] == {"name": "red steel kettle small"}
    assert body["model"] == {
        "generation": 1,
        "as_of": "2023-11-14T22:13:20Z",
        "cluster_time": "1700000000:1",
        "lag_ms": 0,
        "stale": False,
    }


async def test_display_is_passed_on_as_it_is(serve, shop):
    """
    What the listener wrote for a page is not parsed on its way, down to the digits.
    """
    raw = b'{"price": 1.50, "n":12345678901234567890}'
    product = Product(make_key("raw"), {"name": "red steel kettle"}, display=raw)
    shop.put(product)
    shop.publish()
    client = await serve()

    answer = await client.get("/v1/products/raw")

    assert raw in await answer.read()


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"limit": "1"}, ["k2"]),
        ({"category": "home > kitchen"}, ["k2"]),
        ({"brand": "Brimm"}, ["k4"]),
        ({"brand": "Nobody"}, []),
        ({"min_price": "10"}, ["k2", "k4"]),
        ({"max_price": "10"}, ["k2"]),
        ({"in_stock": "0"}, ["k4"]),
        ({"exclude": "k2,other"}, ["k4"]),
        ({"exclude": "k2", "limit": "1"}, ["k4"]),
        ({"offset": "1"}, ["k4"]),
        ({"exclude_category": "Kitchen"}, ["k4"]),
        ({"exclude_brand": "brimm"}, ["k2"]),
        ({"min_score": "0.3"}, ["k2"]),
        ({"price_within": "0.5"}, ["k2", "k4"]),
        ({"price_within": "0.49"}, []),
        ({"cheaper": "true"}, ["k2"]),
        ({"cheaper": "false"}, ["k4"]),
        ({"same_brand": "true"}, []),
        ({"same_brand": "false"}, ["k2", "k4"]),
        ({"same_category": "true"}, ["k2"]),
        ({"same_category": "false"}, ["k4"]),
        ({"one_per": "name"}, ["k2", "k4"]),
        ({"diversity": "1"}, ["k2", "k4"]),
    ],
)
async def test_filters(serve, shop, query, ids):
    """
    Filters are applied before the best are taken.
    """
    assert shop.index.visible == 4
    assert await similar_ids(await serve(), **query) == ids


async def test_repeated_filter_means_any(serve, shop):
    """
    A parameter that may come twice means either.
    """
    shop.put(make_product("k5", "red steel kettle", brand="Aldo"))
    shop.publish()
    client = await serve()

    answer = await client.get("/v1/products/k1/similar?brand=Brimm&brand=Aldo")

    assert [item["id"] for item in (await answer.json())["items"]] == ["k5", "k4"]


async def test_one_per_field_of_the_page(serve, shop):
    """
    Of variants only the best comes.
    """
    group = {"group": ["a", 1]}
    shop.put(
        make_product("v1", "red steel kettle", display=group),
        make_product("v2", "red steel kettle", display=group),
    )
    shop.publish()
    client = await serve()

    ids = await similar_ids(client, one_per="group", limit="3", exclude="k4")

    assert ids == ["k2", "v1"]


@pytest.mark.parametrize("path", ["/v1/products/full", "/v1/products/k1/similar"])
async def test_only_the_fields_asked_for(serve, shop, path):
    """
    Fields come in the order asked for, those that there are; what else changes is not
    in the tag.
    """
    shown = {"name": "red steel kettle", "price": 2.5, "image": "x"}
    full = partial(make_product, "full", "red steel kettle", category=KITCHEN)
    shop.put(full(display=shown))
    shop.publish()
    client = await serve()
    query = {"fields": "price,colour,name"}

    before = await client.get(path, params=query)
    shop.put(full(display=shown | {"image": "y"}))
    shop.publish()
    await until(lambda: client.live.served.snapshot.generation == 3)
    after = await client.get(path, params=query)

    item = (await before.json())["items"][0]
    assert list(item["product"].items()) == [
        ("price", 2.5),
        ("name", "red steel kettle"),
    ]
    assert after.headers["ETag"] == before.headers["ETag"]


async def test_explained(serve, shop):
    """
    Each item says why: in numbers that add up, and in a sentence.
    """
    assert shop.index.products == 5
    client = await serve()

    plain = await client.get("/v1/products/k1/similar")
    answer = await client.get("/v1/products/k1/similar?explain=true&fields=name")

    (first, second) = (await answer.json())["items"]
    why = first["explain"]
    assert why["sentence"] == (
        "In Kitchen, with “red”, “steel” and “kettle” in common; 50 % cheaper."
    )
    assert [(term["term"], term["field"]) for term in why["terms"]] == [
        ("red", "name"),
        ("steel", "name"),
        ("kettle", "name"),
        ("Home", "category"),
        ("Kitchen", "category"),
    ]
    total = sum(term["contribution"] for term in why["terms"])
    assert total == pytest.approx(first["score"], abs=1e-8)
    assert sum(why["shares"].values()) == pytest.approx(1)
    assert why["price"] == {"closeness": 0.5, "difference": -10.0}
    assert second["explain"]["sentence"] == "With “kettle” in common; dearer."
    assert first["product"] == {"name": "red steel kettle small"}
    assert answer.headers["ETag"] != plain.headers["ETag"]


async def test_product(serve, shop):
    """
    A product can be had itself, in the same shape.
    """
    assert shop.index.products == 5
    client = await serve()

    answer = await client.get("/v1/products/k4")

    body = await answer.json()
    assert body["items"] == [{"id": "k4", "product": {"name": "blue kettle"}}]
    assert body["model"]["generation"] == 1


@pytest.mark.parametrize("path", ["/v1/products/k3", "/v1/products/k3/similar"])
async def test_hidden_product_is_unknown_to_visitors(serve, shop, path):
    """
    A hidden product answers exactly as one that does not exist; also to callers on
    this machine, since a frontend server passes on what its visitors ask.
    """
    assert shop.index.products == 5
    client = await serve()

    hidden = await client.get(path)
    unknown = await client.get(path.replace("k3", "k9"))

    problems = [await a.json(content_type=None) for a in (hidden, unknown)]
    for problem in problems:
        assert problem.pop("request_id")
    assert hidden.status == unknown.status == 404
    assert problems[0] == problems[1]
    assert problems[0]["code"] == "unknown_product"


async def test_hidden_product_with_the_admin_key(serve, shop):
    """
    Who sends the key sees hidden products; no cache may keep that, and what is
    hidden is still returned to nobody as a neighbour.
    """
    assert shop.index.products == 5
    client = await serve(keys=["secret"])

    wrong = await client.get("/v1/products/k3", headers={"X-API-Key": "guess"})
    right = await client.get("/v1/products/k3", headers=KEY)

    assert wrong.status == 404
    assert right.status == 200
    assert right.headers["Cache-Control"] == "private, no-store"
    items = (await similar(client, "k3", headers=KEY))["items"]
    assert items[0]["id"] == "k1"
    assert "k3" not in await similar_ids(client, "k1", headers=KEY)


@pytest.mark.parametrize(
    "id_",
    [
        "a/b",
        "a b",
        "50%",
        "%2F",
        "ü?#&+",
        ".",
        "..",
        "latest",
        "~x",
        "a,b",
        '"',
        "\u2603",
        "",
    ],
)
async def test_any_string_is_an_id(serve, shop, id_):
    """
    Whatever the id, its address leads to it, and it bears that address in answers.
    """
    shop.put(make_product(id_, "red steel kettle"))
    shop.publish()
    client = await serve()
    address = to_address(make_key(id_))

    found = await similar_ids(client, address, limit=1)
    among = await similar_ids(client, "k1")

    assert found == ["k1"]
    assert address in among


async def test_ids_of_other_types(serve, shop):
    """
    An ObjectId is its hex, a number is found by its digits unless a string has them.
    """
    oid, number, text = b'{"$oid":"%024x"}' % 10, b'{"$numberInt":"5"}', b'"5"'
    names = {"name": "red steel kettle"}
    shop.put(Product(oid, names), Product(number, names, brand="a"))
    shop.publish()
    client = await serve()

    assert (await client.get(f"/v1/products/{10:024X}")).status == 200
    answer = await client.get("/v1/products/5")
    assert (await answer.json())["items"][0]["id"] == to_address(number)

    shop.put(Product(text, names))
    shop.publish()
    await until(lambda: client.live.served.snapshot.generation == 3)
    answer = await client.get("/v1/products/5")
    assert (await answer.json())["items"][0]["id"] == "5"


async def test_tag_is_of_the_items_alone(serve, shop):
    """
    A write elsewhere keeps what caches have; a write among the items does not.
    """
    client = await serve()
    path = "/v1/products/k1/similar"
    tag = (await client.get(path)).headers["ETag"]
    shop.remove("k3")
    shop.put(make_product("t1", "tent", category=("Outdoor",), price=5))
    shop.publish()
    await until(lambda: client.live.served.snapshot.generation == 2)

    kept = await client.get(path, headers={"If-None-Match": tag})
    shop.put(make_product("k2", "red steel kettle small", display={"new": 1}))
    shop.publish()
    await until(lambda: client.live.served.snapshot.generation == 3)
    changed = await client.get(path, headers={"If-None-Match": f'"x", {tag}'})

    assert tag.startswith('W/"')
    assert (kept.status, kept.headers["ETag"]) == (304, tag)
    assert kept.headers["Evershelf-Generation"] == "2"
    assert kept.headers["Cache-Control"] == (
        "public, max-age=0, stale-while-revalidate=5"
    )
    assert await kept.read() == b""
    assert (changed.status, changed.headers["ETag"] != tag) == (200, True)


@pytest.mark.parametrize("given", ["{}", '"x", {}', "*"])
async def test_caller_who_has_the_items(serve, shop, given):
    """
    Any form of saying so is understood, strong and listed ones too.
    """
    assert shop.index.products == 5
    client = await serve()
    path = "/v1/products/k1/similar"
    tag = (await client.get(path)).headers["ETag"]

    for form in (tag, tag.removeprefix("W/")):
        known = {"If-None-Match": given.format(form)}
        assert (await client.get(path, headers=known)).status == 304


async def test_head(serve, shop):
    """
    HEAD says what GET would, without the body.
    """
    assert shop.index.products == 5
    client = await serve()
    path = "/v1/products/k1/similar"

    get, head = await client.get(path), await client.head(path)

    assert head.status == 200
    assert await head.read() == b""
    for name in ("ETag", "Content-Length", "Content-Type", "Evershelf-Generation"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/products/k1/similar", 200),
        ("/v1/products/k9/similar", 404),
        ("/v1/products/k1/similar?limit=0", 400),
        ("/nowhere", 404),
        ("/", 200),
    ],
)
async def test_every_answer_says_how_fresh_it_is(serve, shop, path, status):
    """
    The headers hold what the body of a good answer says, whatever the status.
    """
    shop.say(read_time=ClusterTime(AS_OF.seconds + 2, 1))
    client = await serve()

    answer = await client.get(path)

    assert answer.status == status
    assert answer.headers["Evershelf-Generation"] == "1"
    assert answer.headers["Evershelf-As-Of"] == "2023-11-14T22:13:20Z"
    assert answer.headers["Evershelf-Lag-Ms"] == "2000"
    assert answer.headers["Evershelf-Cluster-Time"] == "1700000000:1"
    assert answer.headers["Evershelf-Stale"] == "false"
    assert "Evershelf-Stale-Reason" not in answer.headers
    assert "Evershelf-Reached" not in answer.headers
    assert answer.headers["Server"] == "evershelf"


async def test_stale_answer_says_why(serve, shop):
    """
    A listener that rebuilds does not stop the answers; they say so.
    """
    shop.say(state=State.REBUILDING, reason="history_lost")
    client = await serve()

    body = await similar(client)
    headers = (await client.get("/v1/products/k9")).headers

    assert len(body["items"]) == 2
    assert body["model"]["stale"] is True
    assert body["model"]["reason"] == "history_lost"
    assert headers["Evershelf-Stale"] == "true"
    assert headers["Evershelf-Stale-Reason"] == "history_lost"


@pytest.mark.parametrize("path", ["/v1/products/k1", "/v1/products/k1/similar"])
async def test_no_model_yet(serve, path):
    """
    Before the first model the answer is to come back soon.
    """
    client = await serve()

    answer = await client.get(path)

    problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (503, "no_model")
    assert answer.headers["Retry-After"] == "1"
    assert "Evershelf-Generation" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/products/k1?x=1", "/v1/products/k1/similar?x=1"])
async def test_unknown_parameter(serve, shop, path):
    """
    400 lists what is wrong.
    """
    assert shop.index.products == 5
    client = await serve()

    answer = await client.get(path)

    problem = await answer.json(content_type=None)
    assert (answer.status, problem["code"]) == (400, "bad_parameters")
    assert problem["errors"][0]["parameter"] == "x"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/products/%FF%FE/similar",
        "/v1/products/%00/similar",
        "/v1/products/%ED%A0%80/similar",
        "/v1/products/~%3D%3D/similar",
        "/v1/products/k1/similar?exclude=%FF%ED%A0%80",
        "/v1/products/k1/similar?limit=%ED%A0%80",
        "/v1/products/k1/similar?%ED%A0%80=1",
        "/v1/products/k1/similar?brand=%ED%A0%80",
        "/v1/products/k1/similar?&&=&",
    ],
)
async def test_bytes_that_are_no_text(serve, shop, path):
    """
    What is no text is no defect of ours either.
    """
    assert shop.index.products == 5
    client = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(
        b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path.encode()
    )

    answer = await reader.read()

    writer.close()
    await writer.wait_closed()
    assert int(answer.split()[1]) in {200, 400, 404}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_products_can_only_be_read(serve, shop, method):
    """
    Another method is 405, with those that are allowed.
    """
    assert shop.index.products == 5
    client = await serve()

    answer = await client.request(method, "/v1/products/k1")

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET,HEAD"


async def test_each_answer_is_of_one_generation(serve, shop):
    """
    While generations are swapped under many requests, every answer has exactly the
    items of the generation that it names, and no caller goes back in time.
    """
    shop.put(*make_catalogue(50))
    shop.publish()
    client = await serve()
    last = 40

    async def publish():
        for number in range(3, last + 1):
            shop.put(
                make_product("k2", "red steel kettle", display={"generation": number})
            )
            shop.publish()
            await asyncio.sleep(0)

    async def ask():
        seen = [2]
        while seen[-1] < last:
            body = await similar(client, limit="1")
            seen.append(body["model"]["generation"])
            if seen[-1] > 2:
                assert body["items"][0]["product"] == {"generation": seen[-1]}
        return seen

    _, *seen = await asyncio.gather(publish(), *(ask() for _ in range(4)))

    for one in seen:
        assert all(a <= b for a, b in itertools.pairwise(one))


async def test_broken_segment_keeps_the_answers(serve, shop, tmp_path):
    """
    A new generation of which a file is missing changes nothing but that answers are
    stale, until the next good one.
    """
    client = await serve()
    before = await similar(client)
    aside = tmp_path / "aside"
    shutil.copytree(shop.folder, aside)
    with contextlib.closing(Shop(aside)) as other:
        other.put(*make_kettles(), make_product("k5", "red steel kettle"))
        other.publish()
    (aside / CURRENT).replace(shop.folder / CURRENT)
    await until(lambda: client.live.served.fault)

    broken = await similar(client)
    shop.put(make_product("k6", "red steel kettle", category=KITCHEN))
    shop.publish()
    await until(lambda: not client.live.served.fault)
    mended = await similar(client, limit="1")

    assert before["model"]["stale"] is False
    assert broken["items"] == before["items"]
    assert broken["model"]["generation"] == 1
    assert broken["model"]["reason"] == "newest_unreadable"
    assert mended["items"][0]["id"] == "k6"
    assert mended["model"]["stale"] is False
