"""
What jobs do of which the listener is not asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pymongo.database import Database

from listener.queue.errands import ALL, HALF, Errands, NotProven
from listener.queue.job import Kind
from listener.remote import Published
from listener.signals import Stop
from tests.support.ordering import Following, make_order_document
from tests.support.proving import Proving
from tests.support.shop import make_document


def test_a_verify_is_of_the_orders_too(
    mongo_uri: str, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    """
    As `run_listener.py verify` is; its progress goes on from one to the other, and it
    fails when one of them differs.
    """
    database["products"].insert_many([make_document(number) for number in range(5)])
    orders = database["orders"]
    orders.insert_many([make_order_document(n, "tea", "pot") for n in range(3)])
    Proving(mongo_uri, database.name, tmp_path / "model").publish()
    following = Following(mongo_uri, orders, tmp_path)
    told: list[int] = []
    with following.running():
        following.snapshot()
        settings = following.settings
        done = Errands(settings, mongo_uri, Stop()).run(Kind.VERIFY, told.append)
        others = settings.model_copy(update={"orders_when": '{"status": "sent"}'})
        with pytest.raises(NotProven, match="the model of the orders") as caught:
            Errands(others, mongo_uri, Stop()).run(Kind.VERIFY, told.append)

    assert done == Published(1, 5)
    assert told == [HALF, ALL] * 2
    assert caught.value.is_final
