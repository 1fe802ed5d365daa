"""
A server beside a model whose words another version has read.
"""

from unittest.mock import patch

import pytest

from structlog.testing import capture_logs

from recommender.text import TEXT_VERSION
from tests.support.shops import until


@pytest.fixture(name="other")
def _other():
    """
    Publications are of another version while this lasts.
    """
    with patch("recommender.store.TEXT_VERSION", TEXT_VERSION + 1) as version:
        yield version


async def ask_by_words(client, widget):
    return await client.post("/v1/recommendations", json={"requests": [widget]})


@pytest.mark.parametrize(
    "path",
    [
        "/v1/products/k1",
        "/v1/products/k1/similar?explain=true&brand=BRIMM",
        "/v1/products/latest",
        "/v1/categories",
        "/health/ready",
    ],
)
async def test_all_that_needs_no_words_is_answered(serve, shop, other, path):
    """
    What is there has the words of its own version throughout.
    """
    assert shop.publish().text_version == other
    client = await serve()

    assert (await client.get(path)).status == 200


async def test_searches_say_what_is_the_matter(serve, shop, other):
    """
    Who asks with words, by either door, is told that they cannot be looked for now, and
    when to come again; widgets without words have their answers.
    """
    assert shop.publish().text_version == other
    client = await serve()

    for answer in (
        await client.get("/v1/search?q=kettle"),
        await ask_by_words(client, {"items": ["k1"], "q": "kettle"}),
    ):
        problem = await answer.json(content_type=None)
        assert (answer.status, problem["code"]) == (503, "other_words")
        assert int(answer.headers["Retry-After"]) > 0
    assert (await ask_by_words(client, {"items": ["k1"]})).status == 200


async def test_searches_are_answered_again(serve, shop):
    """
    As soon as there is a model of the server's own words.
    """
    with patch("recommender.store.TEXT_VERSION", TEXT_VERSION + 1):
        shop.publish()
    client = await serve()
    assert (await client.get("/v1/search?q=kettle")).status == 503

    generation = shop.publish().generation
    await until(lambda: client.live.served.snapshot.generation == generation)

    assert (await client.get("/v1/search?q=kettle")).status == 200


async def test_the_log_says_so_once(serve, shop):
    """
    However many generations follow.
    """
    with patch("recommender.store.TEXT_VERSION", TEXT_VERSION + 1):
        shop.publish()
        with capture_logs() as lines:
            client = await serve()
            generation = shop.publish().generation
            await until(lambda: client.live.served.snapshot.generation == generation)

    (line,) = [line for line in lines if line["event"] == "model.other_words"]
    assert line["log_level"] == "warning"
    assert (line["text_version"], line["reads"]) == (TEXT_VERSION + 1, TEXT_VERSION)
