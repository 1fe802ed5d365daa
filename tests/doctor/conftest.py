"""
A database whose oplog nobody has filled: the doctor warns of one that has dropped what
was written, and the tests of other folders write more than theirs holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from pymongo import MongoClient

from tests.support.mongo import make_mongod


OPLOG_MB: Final = 256


@pytest.fixture(name="mongo_uri", scope="session")
def _mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("doctor")
    with make_mongod(folder, oplog_mb=OPLOG_MB) as mongod:
        yield mongod.uri


@pytest.fixture(name="mongo_client", scope="session")
def _mongo_client(mongo_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client
