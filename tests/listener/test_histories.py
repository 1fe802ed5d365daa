"""
Any history ends with the model that the collection says.
"""

from __future__ import annotations

import os
import tempfile

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener import sweep
from listener.errors import ListenerError, PositionLost, Refused, Unreachable
from recommender.product import Product
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listening import Listening
from tests.support.products import make_key, make_product


IDS = [f"p{number}" for number in range(8)]
WORDS = ["lamp", "tent", "kettle", "red", "blue", "oak"]
METHODS = ["identity", "now", "follow", "count", "scan", "batch", "page", "take"]
ERRORS: dict[str, Callable[[], ListenerError]] = {
    "unreachable": Unreachable,
    "lost": lambda: PositionLost("fell_behind"),
    "refused": lambda: Refused("no", "grant it"),
}

ids = st.sampled_from(IDS)
products = st.builds(
    make_product,
    ids,
    st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
    visible=st.booleans(),
    price=st.sampled_from([1.0, 2.5]),
)
writing = st.one_of(
    st.tuples(st.just("put"), st.lists(products, min_size=1, max_size=6)),
    st.tuples(st.just("delete"), st.lists(ids, min_size=1, max_size=3)),
    st.tuples(
        st.just("transact"), st.dictionaries(ids, st.none() | products, min_size=2)
    ),
)
turning = st.tuples(st.just("turn"), st.integers(1, 6))
stopping = st.sampled_from([("stop",), ("crash",), ("crash",)])
rare = st.one_of(
    st.tuples(
        st.just("fail"),
        st.sampled_from(METHODS),
        st.integers(1, 3),
        st.sampled_from([*ERRORS]),
    ),
    st.tuples(st.just("during_scan"), writing),
    st.tuples(st.just("replace"), st.lists(products, max_size=3)),
    st.sampled_from([("tick",), ("forget",), ("request",), ("settle",)]),
)
actions = st.one_of(writing, turning, turning, stopping, rare)


@pytest.fixture(name="_quick_disk", scope="module", autouse=True)
def _quick_disk() -> Iterator[None]:
    """
    No host crashes here, so that nothing need wait for the disk; and the sweep never
    rests.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        patch.setattr(sweep, "LEAST_PASS_S", 0.0)
        yield


class World:
    """
    A shop and its listener, to which things happen.
    """

    def __init__(self, folder: Path, first: list[Product], seed: int) -> None:
        self.source = FakeSource(first, seed=seed)
        self.listening = Listening(folder, self.source, FakeClock(), sweep_per_s=1_000)

    def act(self, name: str, *arguments: Any) -> None:
        """
        Let something happen.
        """
        getattr(self, f"_{name}")(*arguments)
        assert self.listening.status.swept.repaired == 0, "a false alarm"

    def _put(self, several: list[Product]) -> None:
        self.source.put(*several)

    def _delete(self, several: list[str]) -> None:
        self.source.delete(*map(make_key, several))

    def _transact(self, changes: dict[str, Product | None]) -> None:
        self.source.transact(
            {
                make_key(id_): product and product._replace(key=make_key(id_))
                for id_, product in changes.items()
            }
        )

    def _replace(self, several: list[Product]) -> None:
        self.source.replace(several)

    def _tick(self) -> None:
        self.source.tick()

    def _forget(self) -> None:
        self.source.forget()

    def _during_scan(self, write: tuple[Any, ...]) -> None:
        self.source.during_scan.append(lambda: self.act(*write))

    def _turn(self, times: int) -> None:
        self.listening.turn(times)

    def _fail(self, method: str, nth: int, error: str) -> None:
        self.source.faults.plan(method, ERRORS[error](), nth)

    def _stop(self) -> None:
        self.listening.stop()
        self.listening.start()

    def _crash(self) -> None:
        self.listening.crash()
        self.listening.start()

    def _request(self) -> None:
        self.listening.requests.ask()

    def _settle(self) -> None:
        self.source.faults.clear()
        self.listening.settle()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 1 << 16),
    first=st.lists(products, max_size=5, unique_by=lambda product: product.key),
    history=st.lists(actions, min_size=20, max_size=40),
)
def test_any_history_ends_with_the_truth(
    seed: int, first: list[Product], history: list[tuple[Any, ...]]
) -> None:
    """
    Writes, transactions, swapped collections, lost logs, failures of every call, stops,
    crashes and requests, in any order: at each moment what servers have holds all that
    it claims, nothing ever goes back, the sweep finds nothing to repair, and once quiet
    it is the model trained from scratch.
    """
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "model", first, seed)
        for action in history:
            world.act(*action)
        world.act("settle")
        world.listening.assert_equal()
        world.listening.stop()
        assert world.source.open_feeds == 0
