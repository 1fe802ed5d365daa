"""
A shop of 58 products that is followed and served.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo.database import Database

from tests.support.processes import Pair, running, to_uri
from tests.support.shop import make_document


@pytest.fixture(name="shop")
def _shop(
    tmp_path: Path, mongo_uri: str, database: Database[dict[str, Any]]
) -> Iterator[Pair]:
    database["products"].insert_many([make_document(i) for i in range(58)])
    with running(tmp_path / "data", to_uri(mongo_uri, database.name)) as pair:
        yield pair
