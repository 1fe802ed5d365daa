"""
The doors to the store's files.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from recommender import manifest as manifests
from recommender.store import DURABLE, SEGMENTS


KEY = {"X-API-Key": "secret"}


async def test_files_are_as_they_are_on_the_disk(serve: Any, shop: Any) -> None:
    """
    The durable manifest, and each segment that it names, byte for byte, whatever the
    caller says that it can unpack.
    """
    shop.store.make_durable()
    client = await serve(keys=["secret"])
    folder = shop.store._folder

    answer = await client.get("/v1/store/manifest", headers=KEY)
    content = await answer.read()
    assert content == (folder / DURABLE).read_bytes()
    assert answer.headers["Cache-Control"] == "no-store"
    refs = manifests.from_bytes(content).segments
    assert refs
    for ref in refs:
        headers = {**KEY, "Accept-Encoding": "br, gzip"}
        segment = await client.get(f"/v1/store/segments/{ref.name}", headers=headers)
        assert await segment.read() == (folder / SEGMENTS / ref.name).read_bytes()
        assert "Content-Encoding" not in segment.headers


@pytest.mark.parametrize("path", ["/v1/store/manifest", "/v1/store/segments/1-0.seg"])
async def test_they_are_for_admins(serve: Any, shop: Any, path: str) -> None:
    """
    Without the admin key nobody gets them: they hold what no visitor may see.
    """
    shop.store.make_durable()
    client = await serve(keys=["secret"])

    for headers in ({}, {"X-API-Key": "guess"}):
        assert (
            await client.get(path, headers=headers)
        ).status == HTTPStatus.UNAUTHORIZED
    assert (await client.get(path, headers=KEY)).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "name",
    [
        "9-9.seg",
        "..%2fcurrent.json",
        "%2e%2e",
        "lock",
        "1-0.seg.new",
        "1-0.seg%00",
        f"1-{'0' * 300}.seg",
    ],
    ids=["none", "above", "dots", "lock", "half", "zero", "long"],
)
async def test_nothing_else_can_be_had(serve: Any, shop: Any, name: str) -> None:
    """
    What is no segment's name, or the name of none, is not there.
    """
    client = await serve(keys=["secret"])
    (shop.store._folder / SEGMENTS / "1-0.seg.new").write_bytes(b"half")

    answer = await client.get(f"/v1/store/segments/{name}", headers=KEY)
    assert answer.status == HTTPStatus.NOT_FOUND


async def test_a_link_is_no_segment(serve: Any, shop: Any) -> None:
    """
    A name in the folder that leads elsewhere is not followed.
    """
    client = await serve(keys=["secret"])
    (shop.store._folder / SEGMENTS / "7-7.seg").symlink_to("/etc/hostname")

    answer = await client.get("/v1/store/segments/7-7.seg", headers=KEY)
    assert answer.status == HTTPStatus.NOT_FOUND


async def test_a_store_without_a_durable_generation(serve: Any, shop: Any) -> None:
    """
    As long as there is none the caller may come again.
    """
    client = await serve(keys=["secret"])

    answer = await client.get("/v1/store/manifest", headers=KEY)
    assert shop.store
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
