"""
Who may read, and how often; and each way around the admin rule.
"""

import pytest

from aiohttp.test_utils import make_mocked_request

from recommender.errors import SettingsFault
from recommender.settings import ServerSettings, load_settings
from server.access import Keys
from server.app import House
from server.gate import Gate, to_networks
from server.pace import Pace


SIMILAR = "/v1/products/k1/similar"
READ = Keys.of(["old read", "new read"])


def key(text):
    return {"X-API-Key": text}


async def to_problem(answer):
    return await answer.json(content_type="application/problem+json")


@pytest.fixture(autouse=True)
def _shop(shop):
    assert shop.index.visible == 4


@pytest.mark.parametrize(
    "path",
    ["/v1/products/k1", SIMILAR, "/v1/search?q=a", "/v1/categories", "/v1/model"],
)
async def test_reading_needs_a_key_when_there_are_any(serve, path):
    """
    Without a key 401 says how to send one; any of those that are valid opens, so that
    keys can be changed while both are in use.
    """
    client = await serve(keys=["admin"], read_keys=READ)

    without = await client.get(path)
    wrong = await client.get(path, headers=key("guess"))

    assert (without.status, (await to_problem(without))["code"]) == (401, "key_needed")
    assert (wrong.status, (await to_problem(wrong))["code"]) == (401, "key_wrong")
    assert without.headers["WWW-Authenticate"] == "Bearer"
    for good in ("old read", "new read", "admin"):
        bearer = {"Authorization": f"Bearer {good}"}
        assert (await client.get(path, headers=key(good))).status == 200
        assert (await client.get(path, headers=bearer)).status == 200


async def test_what_is_told_without_a_key_is_private(serve):
    """
    Answers behind a key are in no shared cache.
    """
    client = await serve(read_keys=READ)

    answer = await client.get(SIMILAR, headers=key("old read"))

    assert answer.headers["Cache-Control"].startswith("private, max-age=0")


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready"])
async def test_probes_need_no_key(serve, path):
    """
    Health is for who runs the server.
    """
    client = await serve(read_keys=READ)

    assert (await client.get(path)).status == 200


async def test_read_key_opens_nothing_else(serve):
    """
    A key that anybody can see in a browser shows nothing hidden and trains nothing.
    """
    client = await serve(keys=["admin"], read_keys=READ)

    hidden = await client.get("/v1/products/k3", headers=key("old read"))
    train = await client.post("/train", headers=key("old read"))
    model = await client.get("/v1/model", headers=key("old read"))

    assert hidden.status == 404
    assert (train.status, (await to_problem(train))["code"]) == (401, "key_wrong")
    assert "listener" not in await model.json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/events?key=old+read", 200),
        ("/v1/events?key=guess", 401),
        ("/v1/events?key=admin", 401),
        ("/v1/events", 401),
        (f"{SIMILAR}?key=old+read", 401),
    ],
)
async def test_key_in_the_address(serve, path, status):
    """
    Only the stream takes a key there, and only a read key.
    """
    client = await serve(keys=["admin"], read_keys=READ)

    answer = await client.get(path)

    assert answer.status == status
    answer.close()


async def test_pace_of_an_address(serve):
    """
    Each counted answer tells what is left; what is too much waits, whatever it asks.
    """
    client = await serve(by_address=Pace(2))

    answers = [await client.get(SIMILAR) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"address";q=2;w=60'
    assert answers[0].headers["RateLimit"] == '"address";r=1;t=30'
    assert answers[2].headers["RateLimit"].startswith('"address";r=0;')
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 30
    assert (await to_problem(answers[2]))["code"] == "too_many_requests"
    assert (await client.post("/train")).status == 429
    assert (await client.get("/health/ready")).status == 200


async def test_pace_of_a_key(serve):
    """
    A valid key is counted by itself, a wrong one by its address, an admin never.
    """
    client = await serve(
        keys=["admin"], read_keys=READ, by_key=Pace(1), by_address=Pace(1)
    )

    async def status(text):
        return (await client.get(SIMILAR, headers=key(text))).status

    assert [await status("old read") for _ in range(2)] == [200, 429]
    assert await status("new read") == 200
    assert [await status("guess") for _ in range(2)] == [401, 429]
    assert [await status("admin") for _ in range(3)] == [200, 200, 200]


async def test_uncounted_answers_tell_no_pace(serve):
    """
    Without a limit there is nothing to tell.
    """
    answer = await (await serve()).get(SIMILAR)

    assert "RateLimit" not in answer.headers


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.9", [], "10.0.0.9"),
        ("10.0.0.9", ["1.2.3.4"], "10.0.0.9"),
        ("10.1.0.9", ["1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.1.0.9", ["1.2.3.4"], "1.2.3.4"),
        ("10.1.0.9", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.1.0.9", ["6.6.6.6", "1.2.3.4, 10.1.7.7"], "1.2.3.4"),
        ("10.1.0.9", ["10.1.0.1"], "10.1.0.1"),
        ("10.1.0.9", ["nonsense"], "10.1.0.9"),
        ("10.1.0.9", [], "10.1.0.9"),
        ("2001:db8::1", [], "2001:db8::/64"),
        ("2001:db8::ffff:1", [], "2001:db8::/64"),
        ("::ffff:1.2.3.4", [], "1.2.3.4"),
    ],
)
def test_address_of_a_caller(peer, forwarded, address):
    """
    Only what our own proxies have added is believed, and an IPv6 network is one caller.
    """

    class Transport:
        def get_extra_info(self, name, default=None):
            return (peer, 1) if name == "peername" else default

        def is_closing(self):
            return False

    request = make_mocked_request(
        "GET",
        "/",
        [("X-Forwarded-For", value) for value in forwarded],
        transport=Transport(),
    )
    gate = Gate(proxies=to_networks(["10.1.0.0/16"]))

    assert gate._address(request) == address


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Forwarded-For": "127.0.0.1"}, "not_local"),
        ({"Via": "1.1 nginx"}, "not_local"),
        ({"Host": "rebound.example:5002"}, "not_local"),
        ({"Origin": "http://evil.example"}, "foreign_page"),
        ({"Origin": "null"}, "foreign_page"),
        ({"Sec-Fetch-Site": "cross-site"}, "foreign_page"),
        ({"Sec-Fetch-Site": "same-site"}, "foreign_page"),
    ],
    ids=str,
)
async def test_ways_around_the_admin_rule(serve, headers, code):
    """
    Without keys, a proxy on this machine, a name rebound to it and a foreign page that
    posts to it do not get in at the real door; nor does trusting the proxy help.
    """
    trusting = to_networks(["127.0.0.0/8"])
    for gate in ({}, {"proxies": trusting, "by_address": Pace(100)}):
        client = await serve(**gate)
        answer = await client.post("/train", headers=headers)
        assert (answer.status, (await to_problem(answer))["code"]) == (403, code)


async def test_foreign_page_with_the_key(serve):
    """
    As soon as a key is set it is needed, also here, and it is enough.
    """
    client = await serve(keys=["admin"])

    without = await client.post("/train")
    foreign = await client.post(
        "/train", headers={"Origin": "http://evil.example"} | key("admin")
    )

    assert without.status == 401
    assert foreign.status == 503  # in, and no listener behind the door


def test_rules_of_the_house_come_from_the_settings(monkeypatch):
    """
    Each setting becomes its rule.
    """
    for name, value in {
        "ADMIN_KEYS": "a, b",
        "READ_KEYS": "c",
        "CORS_ORIGINS": "https://shop.example",
        "RATE_PER_KEY": "10",
        "TRUSTED_PROXIES": "10.0.0.1, fd00::/8",
        "CACHE_S": "1",
        "CACHE_STALE_S": "60",
    }.items():
        monkeypatch.setenv(f"EVERSHELF_{name}", value)

    house = House.of(load_settings(ServerSettings, []))

    assert house.gate.admin_keys.accept("b")
    assert house.gate.read_keys.accept("c")
    assert not house.gate.read_keys.accept("a")
    assert house.gate.by_key.per_minute == 10
    assert house.gate.by_address is None
    assert len(house.gate.proxies) == 2
    assert house.origins.allowed == {"https://shop.example"}
    assert house.cache_control == ("private, max-age=1, stale-while-revalidate=60")


def test_proxies_that_are_no_addresses(monkeypatch):
    """
    A name is refused at the start.
    """
    monkeypatch.setenv("EVERSHELF_TRUSTED_PROXIES", "proxy.internal")

    with pytest.raises(SettingsFault, match="EVERSHELF_TRUSTED_PROXIES"):
        load_settings(ServerSettings, [])
