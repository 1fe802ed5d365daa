"""
Answers from memory are those that would be worked out.
"""

import itertools
import random

import pytest

from recommender.address import to_integer_key
from recommender.index import Index
from recommender.mutation import Delete, Upsert
from recommender.weights import Weights
from tests.support.damage import damage
from tests.support.products import WEIGHTS, make_catalogue, make_product
from tests.support.shops import make_kettles, until


ROUNDS = 25
CATALOGUE = make_catalogue(40, seed=3)
KEY = {"X-API-Key": "secret"}
QUERIES = (
    "/v1/products/{}",
    "/v1/products/{}?fields=name",
    "/v1/products/{}/similar",
    "/v1/products/{}/similar?limit=3&explain=true",
    "/v1/products/{}/similar?in_stock=true",
    "/v1/products/{}/similar?cheaper=true",
    "/v1/products/{}/similar?one_per=name&limit=4",
    "/v1/products/{}/similar?diversity=0.5&limit=4",
    "/v1/products/{}/similar?min_score=0.2&fields=name",
    "/v1/products/{}/similar?limit=2&offset=2",
    "/v1/products/{}/similar?limit=2&exclude=5,7",
    "/v1/search?q=kettle+{}",
    "/v1/search?q=red+lamp&brand=Aldo",
)
KINDS = ("price", "price", "stock", "hide", "show", "text", "delete", "swap", "repair")
_numbers = itertools.count(1)


def remembered(client):
    name = "evershelf_server_remembered_total"
    return client.live.metrics.registry.get_sample_value(name)


async def ask(client, path, headers=None):
    """
    Return status, items and generation.
    """
    answer = await client.get(path, headers=headers)
    body = await answer.json(content_type=None)
    model = body.get("model") or {}
    return answer.status, body.get("items"), model.get("generation")


async def ask_anew(client, path):
    """
    Return the same, worked out: no address comes twice.
    """
    join = "&" if "?" in path else "?"
    return await ask(client, f"{path}{join}wait_ms={next(_numbers)}")


def change(shop, draw, known):
    """
    Do what shops do: mostly prices and stock, but everything else, too.

    Args:
        known: The products of the catalogue as they are; those that are gone as they
            were.
    """
    place = draw.randrange(len(known))
    product = known[place]
    changed = product._replace(**to_values(kind := draw.choice(KINDS), draw))
    match kind:
        case "swap":  # no term is in more products, or in fewer
            other = known[place - 1]
            known[place - 1] = other._replace(texts=product.texts)
            shop.put(known[place - 1])
            changed = product._replace(texts=other.texts)
        case "repair":
            shop.put(product)
            repair(shop, product, draw.choice(("displays", "tf")))
        case "delete":
            shop.remove(product.key.decode().strip('"'))
            return
    known[place] = changed
    shop.put(changed)


def to_values(kind, draw):
    """
    Return what a change of such a kind changes of a product itself.
    """
    match kind:
        case "price":
            return {"price": round(draw.uniform(1, 30), 2)}
        case "stock":
            return {"in_stock": draw.random() < 0.5}
        case "hide" | "show":
            return {"visible": kind == "show"}
        case "text":
            words = " ".join(draw.sample(("red", "kettle", "lamp", "oak"), 2))
            return {"texts": {"name": words}}
    return {}


def repair(shop, product, column):
    """
    Publish a row that is wrong, and let the index know what is right, as the sweep does.
    """
    damage(shop.index, product.key, column)
    shop.publish()
    shop.index.apply([Delete(product.key), Upsert(product)])


@pytest.mark.parametrize("seed", range(2))
async def test_never_another_answer(serve, shop, seed):
    """
    Whatever happens to the catalogue, what is remembered is what is worked out at the
    same moment, and a good part of the answers is remembered.
    """
    draw = random.Random(seed)
    known = list(CATALOGUE)
    shop.put(*known)
    shop.publish()
    client = await serve()
    paths = [query.format(id_) for query in QUERIES for id_ in range(4)]
    for _ in range(ROUNDS):
        await ask_twice(client, paths[:1])  # also before it is judged what may last
        await until(lambda: is_judged(client))
        await ask_twice(client, paths)
        change(shop, draw, known)
        await publish(shop, client)

    assert remembered(client) > ROUNDS * len(paths) / 10


async def ask_twice(client, paths):
    """
    Fail if what is remembered is not what is worked out.
    """
    for path in paths:
        first = await ask(client, path)
        assert first == await ask_anew(client, path), path


async def publish(shop, client, **values):
    """
    Publish, and wait until it is served; return its number.
    """
    number = shop.publish(**values).generation
    await until(lambda: client.live.served.snapshot.generation == number)
    return number


def is_judged(client):
    """
    Whether the server knows what it may remember of what it serves.
    """
    return client.live.remembered._snapshot is client.live.served.snapshot


async def take_in(shop, client, **values):
    """
    Publish, and wait until the server has taken it in.
    """
    number = await publish(shop, client, **values)
    await until(lambda: is_judged(client))
    return number


async def test_a_page_further_down(serve, shop):
    """
    A product that is hidden moves up what stood behind it, though it is on no page but
    the first.
    """
    client = await serve()
    path = "/v1/products/k1/similar?limit=1&offset=1"
    assert [item["id"] for item in (await ask(client, path))[1]] == ["k4"]
    shop.put(make_kettles()[1]._replace(visible=False))
    await take_in(shop, client)

    assert (await ask(client, path))[1] == (await ask_anew(client, path))[1] == []


@pytest.mark.parametrize("column", ["displays", "tf"])
async def test_a_row_that_was_wrong(serve, shop, column):
    """
    What was damaged is not remembered when it has been repaired, though the product says
    what it said.
    """
    product = make_kettles()[1]
    client = await serve()
    path = "/v1/products/k1/similar"
    right = await ask(client, path)
    damage(shop.index, product.key, column)
    shop.put(make_product("t1", "tent", price=5.0))
    await take_in(shop, client)
    wrong = await ask(client, path)
    shop.index.apply([Delete(product.key), Upsert(product)])
    await take_in(shop, client)

    assert (await ask(client, path))[1] == right[1] != wrong[1]


async def test_words_that_count_otherwise(serve, shop):
    """
    A model that was trained anew by other settings is another, though it has the same
    products with the same words.
    """
    client = await serve()
    path = "/v1/products/k1/similar"
    before = await ask(client, path)
    shop.index = Index(Weights({**WEIGHTS.fields, "category": 9.0}))
    shop.put(*make_kettles())
    await take_in(shop, client, fingerprint="others")
    after = await ask(client, path)

    assert after[1] == (await ask_anew(client, path))[1] != before[1]


async def test_a_product_whatever_happens_to_others(serve, shop):
    """
    What is said of a product is remembered while others come and go, not beyond a
    change of its own.
    """
    client = await serve()
    path = "/v1/products/k1"
    before = await ask(client, path)
    shop.put(make_product("t1", "red kettle of another", price=5.0))
    await take_in(shop, client)
    shop.remove("k2")
    await take_in(shop, client)

    assert (await ask(client, path))[1] == before[1]
    assert remembered(client) == 1
    shop.put(make_product("k1", "green steel kettle"))
    await take_in(shop, client)
    assert (await ask(client, path))[1] != before[1]
    shop.put(make_kettles()[0]._replace(visible=False))
    await take_in(shop, client)
    assert (await ask(client, path))[0] == 404
    assert remembered(client) == 1


@pytest.mark.parametrize("visible", [True, False])
async def test_an_address_that_two_products_have(serve, shop, visible):
    """
    A number may be a text or a number; who comes later may be the one that is meant.
    """
    shop.put(make_product("x", "a number")._replace(key=to_integer_key(7)))
    shop.publish()
    client = await serve()
    path = "/v1/products/7"
    before = await ask(client, path)
    assert before[0] == 200
    shop.put(make_product("7", "a text")._replace(visible=visible))
    await take_in(shop, client)

    after = await ask(client, path)
    assert after == await ask_anew(client, path)
    assert after != before


@pytest.mark.parametrize("path", ["/v1/products/7", "/v1/products/7/similar"])
async def test_an_address_that_a_hidden_product_takes(serve, shop, path):
    """
    No idf moves, and visitors see nothing change, when a hidden product gets the id that
    the address means first; it hides the other all the same.
    """
    hidden = make_product("h", "red kettle")._replace(visible=False)
    number = make_product("x", "red lamp")._replace(key=to_integer_key(7))
    shop.put(hidden, number)
    shop.publish()
    client = await serve()
    assert (await ask(client, path))[0] == 200
    shop.remove("h")
    shop.put(make_product("7", "red kettle")._replace(visible=False))
    await take_in(shop, client)

    assert (await ask(client, path))[0] == 404


async def test_of_another_generation(serve, shop):
    """
    What outlives a change says the generation, and the ETag, that it has now.
    """
    client = await serve()
    path = "/v1/products/k1/similar"
    before = await client.get(path)
    shop.put(make_product("t1", "tent", category=("Outdoor",), price=5.0))
    number = await take_in(shop, client)
    count = remembered(client)

    after = await client.get(path)

    assert (await after.json())["model"]["generation"] == number
    assert (await after.json())["items"] == (await before.json())["items"]
    assert after.headers["ETag"] == before.headers["ETag"]
    assert remembered(client) == count + 1
    again = await client.get(path, headers={"If-None-Match": after.headers["ETag"]})
    assert again.status == 304


async def test_what_nobody_else_may_see(serve, shop):
    """
    What an admin is told of a hidden product is told to nobody else.
    """
    client = await serve(keys=["secret"])
    path = "/v1/products/k3/similar"

    assert (await ask(client, path, KEY))[0] == 200
    assert (await ask(client, path))[0] == 404
    assert (await ask(client, path, KEY))[0] == 200
    assert remembered(client) == 0


async def test_hidden_since(serve, shop):
    """
    A product that was hidden is not answered about from memory.
    """
    client = await serve()
    path = "/v1/products/k2/similar"
    await ask(client, path)
    shop.put(make_product("k2", "red steel kettle small")._replace(visible=False))
    number = shop.publish().generation
    await until(lambda: client.live.served.snapshot.generation == number)

    assert (await ask(client, path))[0] == 404


async def test_waited_for(serve, shop):
    """
    Who waits for a write is told whether it is in.
    """
    client = await serve()
    path = "/v1/products/k1/similar?after=1.1"
    for _ in range(2):
        answer = await client.get(path)
        assert (await answer.json())["model"]["reached"] is True

    assert remembered(client) == 0
