import gzip

import brotli
import pytest

from server import compression
from server.compression import to_coding
from tests.support.products import make_product


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("GZIP;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0,gzip;q=0", None),
        ("*", "br"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("identity", None),
        ("deflate, zstd", None),
        ("gzip;q=x", None),
        (";;,,q=1", None),
    ],
)
def test_coding(accepted, coding):
    """
    What the caller likes best is taken; of equals, the smaller.
    """
    assert to_coding(accepted) == coding


@pytest.fixture(name="big")
def _big(shop):
    """
    The shop with a product whose answer is worth compressing.
    """
    text = " ".join(f"word{i % 50}" for i in range(400))
    shop.put(make_product("big", "tent", display={"description": text}))
    shop.publish()
    return shop


@pytest.fixture(name="client")
async def _client(serve, big):
    assert big.index.visible == 5
    client = await serve()
    client.session._auto_decompress = False  # what was sent, as it was sent
    return client


async def fetch(client, path, accepted, method="GET"):
    return await client.request(method, path, headers={"Accept-Encoding": accepted})


@pytest.mark.parametrize(
    ("coding", "unpack"), [("br", brotli.decompress), ("gzip", gzip.decompress)]
)
@pytest.mark.parametrize("at_once", [0, 1 << 20])
async def test_large_answers_are_compressed(
    client, monkeypatch, coding, unpack, at_once
):
    """
    Unpacked they are what was sent before, with the same tag; caches are told.
    """
    monkeypatch.setattr(compression, "LARGEST_AT_ONCE", at_once)
    plain = await fetch(client, "/v1/products/big", "identity")
    packed = await fetch(client, "/v1/products/big", coding)
    again = await fetch(client, "/v1/products/big", coding)

    body = await packed.read()
    assert unpack(body) == await plain.read()
    assert await again.read() == body
    assert packed.headers["Content-Encoding"] == coding
    assert int(packed.headers["Content-Length"]) == len(body) < 1024
    assert packed.headers["ETag"] == plain.headers["ETag"]
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding"


async def test_small_answers_are_not(client):
    """
    What fits into a packet stays as it is.
    """
    answer = await fetch(client, "/v1/products/k1", "br")

    assert "Content-Encoding" not in answer.headers
    assert (await answer.json())["items"][0]["id"] == "k1"


async def test_head_and_304_of_a_large_answer(client):
    """
    HEAD says what GET would; what a caller has is not sent again.
    """
    get = await fetch(client, "/v1/products/big", "br")
    head = await fetch(client, "/v1/products/big", "br", "HEAD")
    known = {"If-None-Match": get.headers["ETag"], "Accept-Encoding": "br"}
    kept = await client.get("/v1/products/big", headers=known)

    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.headers["Content-Encoding"] == "br"
    assert kept.status == 304
    assert "Content-Encoding" not in kept.headers


async def test_only_so_much_is_remembered(client, monkeypatch):
    """
    The oldest are forgotten, and compressed again.
    """
    monkeypatch.setattr(compression, "REMEMBERED", 1)

    for _ in range(2):
        answer = await fetch(client, "/v1/products/big", "br")
        assert answer.headers["Content-Encoding"] == "br"
