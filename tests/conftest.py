"""
The database that tests share; and the address of one's own, when asked to use that.
"""

from __future__ import annotations

import os
import uuid

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from tests.support.mongo import make_mongod


# Not MONGODB_URI, under which a developer may have a shop.
TEST_URI = "EVERSHELF_TEST_MONGODB_URI"

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"EVERSHELF_MONGOD", TEST_URI}
    for name in os.environ:
        if name == "MONGODB_URI" or (
            name.startswith("EVERSHELF_") and name not in kept
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    The address of a replica set that only this test process uses.
    """
    own = os.environ.get(TEST_URI)
    if own:
        yield own
        return
    with make_mongod(tmp_path_factory.mktemp("mongod")) as mongod:
        yield mongod.uri


@pytest.fixture(scope="session")
def mongo_client(mongo_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """
    A client of the shared replica set, for the tests' own writes.
    """
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client


@pytest.fixture
def database(
    mongo_client: MongoClient[dict[str, Any]],
) -> Iterator[Database[dict[str, Any]]]:
    """
    An empty database of this test's own.
    """
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield mongo_client[name]
    mongo_client.drop_database(name)


@pytest.fixture
def collection(database: Database[dict[str, Any]]) -> Collection[dict[str, Any]]:
    """
    An empty collection of products.
    """
    return database["products"]
