"""
A first start that copies another pair's model instead of reading the collection.
"""

from __future__ import annotations

import uuid

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo import MongoClient
from pymongo.database import Database

from recommender.store import DURABLE, StoreReader
from tests.support.ports import free_port
from tests.support.processes import Pair, make_pair, running, to_uri
from tests.support.shop import make_document
from tests.support.spoiling import spoiling
from tests.support.waiting import wait_for


PATIENCE_S = 60.0
KEY = {"EVERSHELF_ADMIN_KEYS": "a-key-of-both"}
PROMPT = {"EVERSHELF_DURABLE_INTERVAL_S": "0.2"}

Client = MongoClient[dict[str, Any]]


@pytest.fixture(name="catalogue", scope="module")
def _catalogue(mongo_client: Client) -> Iterator[Database[dict[str, Any]]]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    mongo_client[name]["products"].insert_many([make_document(i) for i in range(58)])
    yield mongo_client[name]
    mongo_client.drop_database(name)


@pytest.fixture(name="uri", scope="module")
def _uri(mongo_uri: str, catalogue: Database[dict[str, Any]]) -> str:
    return to_uri(mongo_uri, catalogue.name)


@pytest.fixture(name="neighbour", scope="module")
def _neighbour(tmp_path_factory: pytest.TempPathFactory, uri: str) -> Iterator[Pair]:
    """
    A pair that follows the catalogue, and whose last generation is durable.
    """
    folder = tmp_path_factory.mktemp("neighbour")
    with running(folder, uri, KEY | PROMPT) as pair:
        wait_for((pair.data_dir / "model" / DURABLE).exists)
        yield pair


def begin(pair: Pair) -> None:
    """
    Start the listener; return once it follows.
    """
    pair.listener.start()
    pair.listener.wait_for_log(
        "listener.state", state="following", timeout_s=PATIENCE_S
    )


def test_a_first_start_copies_its_neighbour(
    tmp_path: Path, uri: str, neighbour: Pair, catalogue: Database[dict[str, Any]]
) -> None:
    """
    It finds out what the documents have, takes the neighbour's model, reads on from
    where that was, and equals the collection; it never scans it. Its next start copies
    nothing.
    """
    settings = {"EVERSHELF_NEIGHBOUR": f"http://127.0.0.1:{neighbour.port}", **KEY}
    catalogue["products"].insert_one(make_document(1, _id="written-before"))
    with make_pair(tmp_path, uri, settings) as pair:
        begin(pair)
        done = pair.listener.wait_for_log("copy.done")
        catalogue["products"].insert_one(make_document(2, _id="written-after"))
        pair.assert_equal()

        assert not pair.listener.logs("scan.started")
        assert done["products"] >= 58
        assert done["bytes"] > 0
        published = pair.listener.logs("model.published")
        assert all(line["generation"] > done["generation"] for line in published)

        assert pair.listener.stop() == 0
        since = pair.listener.printed
        pair.listener.start()
        pair.listener.wait_for_log("listener.state", state="following", since=since)
        assert not pair.listener.logs("copy.started", since=since)
    names = {"written-before", "written-after"}
    catalogue["products"].delete_many({"_id": {"$in": list(names)}})


def corrupted(path: str, body: bytes) -> bytes:
    """
    One bit in the middle of a segment is another.
    """
    if "segments" not in path:
        return body
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def cut(path: str, body: bytes) -> bytes:
    """
    The line breaks in the middle of a segment.
    """
    return body[: len(body) // 2] if "segments" in path else body


def lying(path: str, body: bytes) -> bytes:
    """
    The manifest is another than its checksum says.
    """
    return body.replace(b'"products":', b'"products":1') if "manifest" in path else body


@pytest.mark.parametrize(
    ("spoil", "error"),
    [(corrupted, "checksum"), (cut, "bytes instead of"), (lying, "its checksum")],
    ids=["bit", "cut", "manifest"],
)
def test_what_is_spoilt_on_the_way_is_not_used(
    tmp_path: Path, uri: str, neighbour: Pair, spoil: Any, error: str
) -> None:
    """
    The collection is scanned, as if there were no neighbour; nothing is left of it.
    """
    with (
        spoiling(neighbour.port, spoil) as address,
        make_pair(tmp_path, uri, {"EVERSHELF_NEIGHBOUR": address, **KEY}) as pair,
    ):
        begin(pair)

        failed = pair.listener.logs("copy.failed")
        assert [error in line["error"] for line in failed] == [True]
        assert pair.listener.logs("scan.started")
        pair.assert_equal()
        assert not list((tmp_path / "model" / "segments").glob("*.seg.new"))


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"EVERSHELF_SUBLINEAR": "false", **KEY}, "other settings"),
        ({"EVERSHELF_ADMIN_KEYS": "another-key"}, "401"),
    ],
    ids=["settings", "key"],
)
def test_a_neighbour_that_is_of_no_use(
    tmp_path: Path, uri: str, neighbour: Pair, settings: dict[str, str], error: str
) -> None:
    """
    One whose model is shaped by other settings, or that takes another key, is done
    without.
    """
    address = f"http://127.0.0.1:{neighbour.port}"
    with make_pair(tmp_path, uri, {"EVERSHELF_NEIGHBOUR": address, **settings}) as pair:
        begin(pair)

        (failed,) = pair.listener.logs("copy.failed")
        assert error in failed["error"]
        pair.assert_equal()


def test_a_neighbour_of_another_collection(
    tmp_path: Path, mongo_uri: str, neighbour: Pair, database: Database[dict[str, Any]]
) -> None:
    """
    The like-named collection of another database is another one; nothing of the
    neighbour's is ever served.
    """
    database["products"].insert_many([make_document(i) for i in range(100, 130)])
    settings = {"EVERSHELF_NEIGHBOUR": f"http://127.0.0.1:{neighbour.port}", **KEY}
    with make_pair(tmp_path, to_uri(mongo_uri, database.name), settings) as pair:
        begin(pair)

        (failed,) = pair.listener.logs("copy.failed")
        assert "another collection" in failed["error"]
        pair.assert_equal()
        assert StoreReader(tmp_path / "model").read_manifest().products == 30


def test_a_neighbour_that_is_away(tmp_path: Path, uri: str) -> None:
    """
    Where nobody answers the collection is scanned at once.
    """
    settings = {"EVERSHELF_NEIGHBOUR": f"http://127.0.0.1:{free_port()}"}
    with make_pair(tmp_path, uri, settings) as pair:
        begin(pair)

        assert len(pair.listener.logs("copy.failed")) == 1
        pair.assert_equal()
