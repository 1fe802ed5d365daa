"""
What is bought together, and what is recommended because of that and the text.
"""

import contextlib
import time

import pytest

from recommender.order import ORDER_WEIGHTS, to_row
from recommender.position import ClusterTime, State
from server.app import House
from tests.support.orders import make_order
from tests.support.products import make_product
from tests.support.shops import AS_OF, make_shop


LATER = ClusterTime(AS_OF.seconds + 60, 1)
# Of forty orders: tea is drunk with the kettle, the bag is in all of them.
BASKETS = [
    *[["k1", "tea", "bag"]] * 6,
    *[["k1", "k2", "bag"]] * 3,
    *[["k1", "k3", "gone", "bag"]] * 3,
    *[["t1", "bag"]] * 28,
]


@pytest.fixture(name="orders")
def _orders(tmp_path):
    rows = [
        to_row(make_order(f"o{place}", basket)) for place, basket in enumerate(BASKETS)
    ]
    orders = make_shop(tmp_path / "data" / "orders", rows, ORDER_WEIGHTS)
    with contextlib.closing(orders):
        yield orders


@pytest.fixture(name="kitchen")
def _kitchen(shop):
    """
    Tea, a bag, and what nobody bought beside the kettles.
    """
    shop.put(
        make_product("tea", "green tea", category=("Home",), price=5),
        make_product("bag", "paper bag", price=1),
        make_product("l1", "camping lantern"),
        make_product("l2", "garden lantern"),
    )
    shop.publish()
    shop.say()
    return shop


async def ask(client, door, id_="k1", expected=200, **query):
    answer = await client.get(f"/v1/products/{id_}/{door}", params=query)
    assert answer.status == expected, await answer.text()
    return await answer.json(content_type=None)


async def ids(client, door, id_="k1", **query):
    return [item["id"] for item in (await ask(client, door, id_, **query))["items"]]


async def test_bought_together(serve, kitchen, orders):
    """
    What is in its orders beyond chance, with in how many; neither hidden products and
    those that are gone, nor what everybody buys.
    """
    client = await serve(orders=orders.folder)
    body = await ask(client, "bought-together")
    first, second = body["items"]
    assert (first["id"], first["orders"]) == ("tea", 6)
    assert first["score"] == round((6 - 12 * 6 / 40) / (12 + 5), 9)
    assert (second["id"], second["orders"]) == ("k2", 3)
    assert first["product"] == {"name": "green tea"}
    assert body["orders"] == {
        **body["model"],
        "generation": 1,
        "counted": 40,
        "with_product": 12,
    }


async def test_why(serve, kitchen, orders):
    """
    In words, and in parts of the score; both doors.
    """
    client = await serve(orders=orders.folder)
    sold = await ask(client, "bought-together", explain="true")
    assert sold["items"][0]["explain"] == {
        "sentence": "Bought together with this in 6 orders.",
        "shares": {"text": 0.0, "orders": 1.0},
    }
    blended = await ask(client, "recommended", explain="true")
    why = {item["id"]: item["explain"] for item in blended["items"]}
    assert why["tea"]["sentence"] == (
        "Bought together with this in 6 orders. In Home; 75 % cheaper."
    )
    both, text = why["k2"], why["k4"]
    assert both["sentence"].startswith("Bought together with this in 3 orders. In ")
    assert 0 < both["shares"]["text"] < 1
    assert text["sentence"].startswith("With “kettle” in common")
    assert text["shares"] == {"text": 1.0, "orders": 0.0}


async def test_recommended_is_the_mean_of_both(serve, kitchen, orders):
    """
    By the share of the orders, which the house says; what has both reasons comes before
    what has one.
    """
    similar = {
        i["id"]: i["score"] for i in (await ask(await serve(), "similar"))["items"]
    }
    client = await serve(orders=orders.folder, house=House(orders_share=0.5))
    sold = {
        i["id"]: i["score"] for i in (await ask(client, "bought-together"))["items"]
    }
    body = await ask(client, "recommended")
    scores = {item["id"]: item["score"] for item in body["items"]}
    assert scores.keys() == similar.keys() | sold.keys()
    for id_, score in scores.items():
        mean = (similar.get(id_, 0) + sold.get(id_, 0)) / 2
        assert score == pytest.approx(mean, abs=2e-9)
    assert [*scores.values()] == sorted(scores.values(), reverse=True)


async def test_a_product_nobody_bought_is_lent_what_is_bought_with_its_like(
    serve, kitchen, orders
):
    """
    `recommended` says so, and counts no order that there is not; what is bought together
    stays what was.
    """
    client = await serve(orders=orders.folder)
    body = await ask(client, "recommended", "k4", explain="true")
    (tea,) = [item for item in body["items"] if item["id"] == "tea"]
    assert tea["orders"] == 0
    assert tea["explain"] == {
        "sentence": "Bought together with others like this.",
        "shares": {"text": 0.0, "orders": 1.0},
    }
    assert body["orders"]["with_product"] == 0
    assert await ids(client, "bought-together", "k4") == []


@pytest.mark.parametrize("door", ["bought-together", "recommended"])
async def test_filters_and_rules_hold(serve, kitchen, orders, door):
    """
    As at the other doors; they are applied before the best are taken.
    """
    client = await serve(orders=orders.folder)
    assert await ids(client, door, category="Home", limit=1, max_price=6) == ["tea"]
    assert await ids(client, door, exclude="tea,k4") == ["k2"]
    assert await ids(client, door, same_category="true") == ["k2"]
    assert await ids(client, door, brand="nobody") == []
    assert await ids(client, door, min_score=0.9) == []
    everything = await ids(client, door)
    assert await ids(client, door, offset=1) == everything[1:]
    shown = await ask(client, door, fields="brand")
    assert shown["items"][0]["product"] == {}
    hidden = await ask(client, door, "k3", expected=404)
    assert hidden["code"] == "unknown_product"
    await ask(client, door, expected=400, diversity=0.5)


@pytest.mark.parametrize("state", ["unfollowed", "unpublished", "unbought", "unwanted"])
async def test_without_orders_recommended_is_similar(serve, kitchen, orders, state):
    """
    And the answer says so: there are none, none yet, none with the product; or the
    house does not count them.
    """
    folder = {"unfollowed": None, "unpublished": kitchen.folder.with_name("no")}
    client = await serve(
        orders=folder.get(state, orders.folder),
        house=House(orders_share=0) if state == "unwanted" else None,
    )
    id_ = "k1" if state == "unwanted" else "l1"
    similar = await ask(client, "similar", id_)
    body = await ask(client, "recommended", id_)
    assert [(i["id"], i["score"], i["orders"]) for i in body["items"]] == [
        (i["id"], i["score"], 0) for i in similar["items"]
    ]
    assert body["items"]
    if state in folder:
        assert body["orders"] is None
    else:
        assert body["orders"]["counted"] == 40
        assert body["orders"]["with_product"] == (12 if state == "unwanted" else 0)
    if state != "unwanted":
        assert await ids(client, "bought-together", id_) == []


async def test_orders_that_are_late_leave_the_model_fresh(serve, kitchen, orders):
    """
    Each says of itself how fresh it is, and what was waited for.
    """
    orders.say(state=State.RETRYING, reason="unreachable")
    kitchen.say(as_of=LATER, read_time=LATER)
    client = await serve(orders=orders.folder)
    after = f"{LATER.seconds}.{LATER.increment}"
    body = await ask(client, "recommended", after=after, wait_ms=0)
    assert (body["model"]["stale"], body["model"]["reached"]) == (False, True)
    assert (body["orders"]["stale"], body["orders"]["reached"]) == (True, False)
    assert body["orders"]["reason"] == "unreachable"
    orders.say(as_of=LATER, read_time=LATER)
    body = await ask(client, "recommended", after=after, wait_ms=10_000)
    assert body["orders"]["reached"] is True


async def test_nobody_waits_for_the_first_orders(serve, kitchen):
    """
    Whoever asks for a moment that the products have reached is answered while the
    listener still builds the first model of the orders, or follows none.
    """
    kitchen.say(as_of=LATER, read_time=LATER)
    client = await serve(orders=kitchen.folder.with_name("no"))
    after = f"{LATER.seconds}.{LATER.increment}"
    began_s = time.monotonic()
    body = await ask(client, "recommended", after=after, wait_ms=10_000)

    assert time.monotonic() - began_s < 10
    assert body["model"]["reached"] is True
    assert body["orders"] is None


async def test_the_tag_follows_what_is_shown(serve, kitchen, orders):
    """
    One more order of the same leaves it as it is; a sentence that tells of it does not.
    """
    client = await serve(orders=orders.folder)
    address = "/v1/products/k1/bought-together"

    async def tag(query):
        return (await client.get(f"{address}{query}")).headers["ETag"]

    before = [await tag(query) for query in ("", "?explain=true")]
    orders.put(to_row(make_order("new", ["k1", "tea", "bag"])))
    orders.publish(as_of=LATER)
    for shop in (orders, kitchen):
        shop.say(as_of=LATER, read_time=LATER)
    after = f"{LATER.seconds}.{LATER.increment}"
    await ask(client, "bought-together", after=after, wait_ms=10_000)
    assert await tag("") == before[0]
    assert await tag("?explain=true") != before[1]
    same = await client.get(address, headers={"If-None-Match": before[0]})
    assert same.status == 304
