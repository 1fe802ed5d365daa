"""
An answer that is bytes from its first line on says what one says that the library
writes.
"""

import asyncio

import pytest

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from server.app import House
from server.compression import LARGEST_AT_ONCE
from server.draining import Draining
from server.gate import Gate
from server.origins import Origins
from server.pace import OwnTimes, Pace
from server.ready import Press
from tests.support.products import make_product
from tests.support.shops import until


PATH = "/v1/products/k1/similar"
SHOP = "https://shop.example"
ELSEWHERE = "https://elsewhere.example"
ASKED = {
    "plain": {},
    "brotli": {"Accept-Encoding": "br;q=1.0, gzip;q=0.5"},
    "gzip": {"Accept-Encoding": "gzip"},
    "nothing": {"Accept-Encoding": "identity"},
    "a page of the shop": {"Origin": SHOP, "Accept-Encoding": "gzip, br"},
    "a page of another": {"Origin": ELSEWHERE},
    "with an id": {"X-Request-ID": "from-the-proxy"},
    "an id that cannot be": {"X-Request-ID": "a b"},
    "the last on this connection": {"Connection": "close"},
    "what another has": {"If-None-Match": '"other"'},
}
HOUSES = {
    "open": House(cache_s=60),
    "for pages of the shop": House(origins=Origins.of([SHOP])),
    "for all pages": House(origins=Origins.of(["*"])),
    "so often a minute": House(gate=Gate(by_address=Pace(600, OwnTimes()))),
}
# Each has its own.
OF_ITS_OWN = ("Date", "X-Request-ID", "RateLimit")


@pytest.fixture(name="ask")
async def _ask():
    """
    Asks on a connection that says nothing of its own accord; returns status, headers
    and the body as it came.
    """
    session = ClientSession(
        connector=TCPConnector(),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=["Accept-Encoding", "Accept", "User-Agent"],
    )

    async def ask(client, path=PATH, method="GET", **headers):
        url = client.make_url(path)
        async with session.request(method, url, headers=headers) as answer:
            return answer.status, answer.headers.copy(), await answer.read()

    async with session:
        yield ask


def remembered(client):
    name = "evershelf_server_remembered_total"
    return client.live.metrics.registry.get_sample_value(name)


def to_comparable(headers):
    """
    Return all headers, in any order, without what is of one answer alone.
    """
    return sorted(item for item in headers.items() if item[0] not in OF_ITS_OWN)


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("house", HOUSES.values(), ids=HOUSES)
async def test_as_the_library_writes_it(serve, shop, ask, monkeypatch, house, asked):
    """
    Whatever the caller sends, and whatever the rules of the house are.
    """
    shop.put(*(make_product(f"l{n}", "red kettle " * 90) for n in range(9)))
    shop.publish()
    client = await serve(house=house)
    with monkeypatch.context() as patch:
        patch.setattr(Press, "compose", lambda *_: None)
        status, headers, body = await ask(client, **asked)
    again_status, again_headers, again_body = await ask(client, **asked)

    assert remembered(client) == 1
    assert (again_status, again_body) == (status, body) == (200, body)
    assert to_comparable(again_headers) == to_comparable(headers)
    assert set(again_headers) == set(headers)
    given = asked.get("X-Request-ID", " ")
    is_taken = again_headers["X-Request-ID"] == given
    assert is_taken == (" " not in given)
    assert len(again_headers["X-Request-ID"]) >= len("from-the-proxy")


async def test_without_a_body(serve, shop, ask):
    """
    Who asks for the head alone, or has the body, gets no body.
    """
    assert shop.index.products
    client = await serve()
    _, headers, body = await ask(client)
    head_status, head, nothing = await ask(client, method="HEAD")
    known = await ask(client, **{"If-None-Match": headers["ETag"]})

    assert (head_status, nothing) == (200, b"")
    assert head["Content-Length"] == headers["Content-Length"] == str(len(body))
    assert (known[0], known[2]) == (304, b"")
    assert remembered(client) == 2
    assert (await ask(client, method="POST"))[0] == 405


async def test_too_long_to_be_compressed_meanwhile(serve, shop, ask):
    """
    What takes a thread is compressed by one.
    """
    shop.put(*(make_product(f"l{n}", f"red kettle {n} " * 990) for n in range(9)))
    shop.publish()
    client = await serve()
    first = await ask(client, **{"Accept-Encoding": "gzip"})
    again = await ask(client, **{"Accept-Encoding": "gzip"})
    plain = await ask(client)

    assert again[2] == first[2]
    assert len(plain[2]) > LARGEST_AT_ONCE > len(first[2])
    assert remembered(client) == 2


async def test_last_moments(serve, shop, ask):
    """
    A server that is about to stop ends each connection with its answer.
    """
    assert shop.index.products
    draining = Draining()
    client = await serve(draining=draining)
    _, headers, _ = await ask(client)
    assert "Connection" not in headers
    draining.is_on = True
    status, headers, _ = await ask(client)

    assert (status, headers["Connection"], remembered(client)) == (200, "close", 1)


async def test_of_an_older_protocol(serve, shop):
    """
    HTTP/1.0 is answered as ever, and hung up on.
    """
    assert shop.index.products
    client = await serve()
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(f"GET {PATH} HTTP/1.0\r\nHost: here\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert remembered(client) == 1


async def test_one_behind_the_other(serve, shop):
    """
    Requests that do not wait for one another are answered in their order.
    """
    assert shop.index.products
    client = await serve()
    await client.get(PATH)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    ids = [f"number-{n}" for n in range(40)]
    for one in ids:
        writer.write(
            f"GET {PATH} HTTP/1.1\r\nHost: h\r\nX-Request-ID: {one}\r\n\r\n".encode()
        )
    found = []
    while len(found) < len(ids):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        found.append(lines["X-Request-ID"])
        await reader.readexactly(int(lines["Content-Length"]))
    writer.close()

    assert found == ids
    assert remembered(client) == len(ids)


async def test_who_asks_and_does_not_read(serve, shop):
    """
    Answers are not piled up for a caller who takes none of them in, and all come when
    they are taken in.
    """
    shop.put(*(make_product(f"l{n}", "red kettle " * 90) for n in range(9)))
    shop.publish()
    client = await serve()
    body = await (await client.get(PATH, headers={"Accept-Encoding": ""})).read()
    server = client.server.runner.server
    known = set(server.connections)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port, limit=1024)
    count = 4_000
    writer.write(f"GET {PATH} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * count)
    await until(lambda: set(server.connections) - known)
    (protocol,) = set(server.connections) - known
    for _ in range(100):
        await asyncio.sleep(0.005)
        assert protocol.transport.get_write_buffer_size() < 40 * len(body)
    for _ in range(count):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(len(body))
    writer.close()

    assert remembered(client) == count


async def test_is_told(serve, shop, ask):
    """
    It is counted and timed as any other.
    """
    assert shop.index.products
    client = await serve()
    for _ in range(3):
        await ask(client)
    value = client.live.metrics.registry.get_sample_value
    route = {"route": "/v1/products/{id}/similar"}

    assert value("evershelf_server_requests_total", {**route, "status": "200"}) == 3
    assert value("evershelf_server_request_seconds_count", route) == 3
