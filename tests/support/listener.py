"""
What the listener's rooms work with, for tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from listener.feed import Batch, Mark
from listener.guard import ShrinkGuard
from listener.model import Model
from listener.publisher import Publisher, Shape
from listener.schedule import Policy, Schedule
from listener.status import Status
from recommender.mutation import Mutation
from recommender.position import ClusterTime
from recommender.product import Product
from recommender.store import Store
from tests.support.clock import EPOCH, FakeClock
from tests.support.products import make_index


SHAPE = Shape("products", "weights")
IDENTITY = "shop.products"


def at(increment: int) -> ClusterTime:
    """
    Return a time of the database; a larger number is a later one.
    """
    return ClusterTime(int(EPOCH), increment)


def make_mark(increment: int = 1) -> Mark:
    """
    Return a mark at that time.
    """
    return Mark(f"checkpoint {increment}", at(increment))


def make_publisher(
    store: Store,
    status: Status,
    policy: Policy,
    clock: FakeClock,
    grace_s: float = 30.0,
) -> Publisher:
    """
    Return a publisher that goes by *clock*.
    """
    return Publisher(
        store,
        status,
        schedule=Schedule(policy),
        guard=ShrinkGuard(grace_s),
        shape=SHAPE,
        clock=clock.clock,
    )


def make_model(products: Iterable[Product] = (), increment: int = 1) -> Model:
    """
    Return a model of *products* that has come to a time.
    """
    return Model(make_index(products), make_mark(increment), IDENTITY)


def make_batch(
    mutations: Sequence[Mutation] = (), increment: int | None = 1, **values: Any
) -> Batch:
    """
    Return a batch that leads to a time; without one, to none.
    """
    defaults: dict[str, Any] = {
        "mutations": mutations,
        "reached": None if increment is None else make_mark(increment),
        "read_time": at(increment or 0),
        "events": Counter(update=len(mutations)),
        "written_s": EPOCH if mutations else None,
        "is_last": True,
    }
    return Batch(**defaults | values)


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """
    Let every new file of *folder* fail as on a full disk: that of the same name with
    ".new" is a folder already.

    A pointer that is being written for the first time must be there before: the write
    under way would put the folder in its place.
    """
    blocked = [
        folder / f"{name}.json.new" for name in ("current", "durable", "position")
    ]
    for path in blocked:
        path.unlink(missing_ok=True)
        path.mkdir()
    try:
        yield
    finally:
        for path in blocked:
            path.rmdir()


def events(logs: Iterable[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """
    Return the log lines of these events, in order.
    """
    return [line for line in logs if line["event"] in names]
