"""
A model that is copied once, from a real database.
"""

from __future__ import annotations

import gc
import weakref

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pymongo.database import Database

from listener.copies.first_copy import FirstCopy
from listener.mongo.shelf import Shelf
from recommender.store import Store
from tests.support.clock import FakeClock
from tests.support.listener import IDENTITY, SHAPE, events
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_index,
    make_product,
    publish,
)
from tests.support.shelves import Origin


@pytest.fixture(name="shelf")
def _shelf(tmp_path: Path, database: Database[dict[str, Any]]) -> Iterator[Shelf]:
    """
    One that has a generation.
    """
    shelf = Shelf("shelf", database)
    with Store.open(tmp_path / "origin") as store:
        Origin(store, make_index(make_catalogue(60))).put(shelf)
        yield shelf


@pytest.fixture(name="first_copy")
def _first_copy(store: Store, shelf: Shelf, clock: FakeClock) -> FirstCopy:
    return FirstCopy(store, shelf, WEIGHTS, SHAPE, clock.clock)


def check() -> None:
    pass


def test_copied_once(first_copy: FirstCopy, logs: list[Any]) -> None:
    """
    Who has to begin again goes on from the same model, which need not travel again; one
    of another collection is not given.
    """
    for _ in range(2):
        model = first_copy.model(IDENTITY, check)
        assert model is not None
        assert model.index.products == 60
        assert first_copy.model("another", check) is None
    assert len(events(logs, "copy.started")) == 1


def test_nothing_is_held_once_another_is_published(
    first_copy: FirstCopy, store: Store
) -> None:
    """
    The files of a copy are freed as soon as nobody needs them, however long the process
    lives.
    """
    assert first_copy.model(IDENTITY, check) is not None
    (segment,) = (weakref.ref(segment) for segment in store._refs)
    publish(store, make_index([make_product()]))
    gc.collect()

    assert segment() is None
    assert first_copy.model(IDENTITY, check) is None
