"""
What the listener counts, in memory; tests/e2e scrapes the real one.
"""

from __future__ import annotations

import ast

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.clock import Clock
from listener.guard import TRUSTED
from listener.metrics import CAUSES, REASONS, Metrics
from listener.mongo.errors import LOST
from listener.mongo.events import ENDS
from listener.of_orders import OfOrders
from listener.schedule import RETRY_S, Policy
from listener.scrape import Scrape
from listener.status import NEVER, Status, Swept
from recommender.index import Counts
from recommender.mutation import Upsert
from recommender.position import State
from recommender.registry import to_text
from recommender.store import Store
from tests.support.clock import EPOCH, FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listener import (
    at,
    make_batch,
    make_model,
    make_publisher,
    unwritable,
)
from tests.support.listening import Listening
from tests.support.metrics import to_samples, value
from tests.support.products import make_product
from tests.support.waiting import wait_for


DURABLE_S = 30.0  # at the latest


def scrape(metrics: Metrics) -> str:
    return to_text(metrics.registry).decode()


@pytest.fixture(name="status")
def _status(clock: FakeClock) -> Status:
    status = Status(clock.clock)
    status.metrics.registry.register(Scrape(status))
    return status


def test_those_of_the_orders_have_names_of_their_own(status: Status) -> None:
    """
    Each that the listener has of the products, with its value, and none of the process
    twice.
    """
    orders = Status(Clock())
    orders.metrics.registry.register(Scrape(orders))
    orders.metrics.note_merge()
    orders.metrics.note_publication("changes", took_s=0.1, delay_s=None)
    before = to_samples(scrape(status.metrics))
    status.metrics.registry.register(OfOrders(orders.metrics.registry))

    after = to_samples(scrape(status.metrics))

    ours = {name for name in before if name.startswith("evershelf_listener_")}
    theirs = {name.replace("_listener_", "_orders_") for name in ours}
    assert after.keys() == before.keys() | theirs
    assert after["evershelf_orders_merges_total"] == {(): 1.0}
    assert after["evershelf_listener_merges_total"] == {(): 0.0}
    assert after["evershelf_orders_publications_total"][("changes",)] == 1.0
    assert after["evershelf_orders_publish_seconds_count"] == {(): 1.0}
    assert after["evershelf_orders_state"][("starting",)] == 1.0


def test_events_are_counted_by_kind() -> None:
    """
    Each kind has its count, from 0 on, so that the first is an increase.
    """
    metrics = Metrics()
    assert value(scrape(metrics), "evershelf_listener_events_total", "delete") == 0
    batch = make_batch(
        [Upsert(make_product("a"))], events=Counter(insert=2, delete=1), increment=3
    )

    metrics.note_batch(batch, Counts(inserted=1), at(3), 0.002)

    events = to_samples(scrape(metrics))["evershelf_listener_events_total"]
    assert events[("insert",)] == 2
    assert events[("delete",)] == 1
    assert events[("update",)] == 0
    text = scrape(metrics)
    assert value(text, "evershelf_listener_changes_total", "inserted") == 1
    assert value(text, "evershelf_listener_batches_total") == 1
    assert value(text, "evershelf_listener_apply_seconds_sum") == 0.002


def test_a_pulse_is_no_batch() -> None:
    """
    What only says that nothing has happened moves the lag alone.
    """
    metrics = Metrics()

    metrics.note_batch(make_batch(increment=3), Counts(), at(3), 0.002)

    text = scrape(metrics)
    assert value(text, "evershelf_listener_batches_total") == 0
    assert value(text, "evershelf_listener_lag_seconds_count") == 1
    assert value(text, "evershelf_listener_lag_seconds_bucket", "0.0") == 1


@pytest.mark.parametrize(("delay_s", "total"), [(0.25, 0.25), (-3.0, 0.0)])
def test_delay_is_never_negative(delay_s: float, total: float) -> None:
    """
    A database whose clock is ahead takes nothing away from the sum.
    """
    metrics = Metrics()

    metrics.note_publication("changes", took_s=0.01, delay_s=delay_s)

    text = scrape(metrics)
    assert value(text, "evershelf_listener_write_to_publish_seconds_sum") == total
    assert value(text, "evershelf_listener_publications_total", "changes") == 1


def test_publication_without_a_write_has_no_delay() -> None:
    """
    Merges and rebuilds are counted, and say nothing of how fresh writes are.
    """
    metrics = Metrics()

    for cause in CAUSES:
        metrics.note_publication(cause, took_s=0.01, delay_s=None)

    text = scrape(metrics)
    assert value(text, "evershelf_listener_publish_seconds_count") == len(CAUSES)
    assert value(text, "evershelf_listener_write_to_publish_seconds_count") == 0


def test_one_state_at_a_time(status: Status) -> None:
    """
    Each state has a series, and only the one that it is in is 1.
    """
    status.enter(State.RETRYING, "unreachable")

    states = to_samples(scrape(status.metrics))["evershelf_listener_state"]

    assert len(states) == len(State)
    assert [state for state, is_on in states.items() if is_on] == [("retrying",)]


def test_times_that_are_not_known_have_no_value(status: Status) -> None:
    """
    Nothing is said to be as old as 1970.
    """
    before = to_samples(scrape(status.metrics))
    status.durable_as_of = at(4)
    after = to_samples(scrape(status.metrics))

    name = "evershelf_listener_checkpoint_timestamp_seconds"
    assert name not in before
    assert after[name] == {(): EPOCH}


def test_sweep_is_counted(status: Status) -> None:
    """
    What the background sweep did comes as counters.
    """
    status.swept = Swept(passes=1, checked=50, unsettled=2, repaired=3)

    text = scrape(status.metrics)

    assert value(text, "evershelf_listener_sweep_repaired_total") == 3
    assert value(text, "evershelf_listener_sweep_checked_total") == 50


def test_life_of_a_listener(tmp_path: Path, clock: FakeClock) -> None:
    """
    A first start, a write and a position lost are counted where they happen.
    """
    source = FakeSource()
    source.put(make_product("a"))
    listening = Listening(tmp_path / "model", source, clock)
    listening.settle()
    source.put(make_product("b"))
    listening.settle()
    source.put(make_product("c"))
    source.forget()
    listening.settle()
    clock.advance(DURABLE_S)
    wait_for(lambda: listening.turn() or listening.status.durable_as_of > NEVER)

    text = scrape(listening.status.metrics)
    listening.stop()

    assert value(text, "evershelf_listener_rebuilds_total", "first_start") == 1
    assert value(text, "evershelf_listener_rebuilds_total", "history_lost") == 1
    assert value(text, "evershelf_listener_positions_lost_total", "history_lost") == 1
    assert value(text, "evershelf_listener_publications_total", "rebuild") == 2
    assert value(text, "evershelf_listener_publications_total", "changes") == 1
    assert value(text, "evershelf_listener_changes_total", "inserted") == 1


def test_publication_that_fails_is_counted(
    store: Store, status: Status, clock: FakeClock, tmp_path: Path
) -> None:
    """
    Each try counts, the log says it once.
    """
    policy = Policy(quiet_s=0, min_interval_s=0, max_staleness_s=1)
    publisher = make_publisher(store, status, policy, clock)
    model = make_model([make_product("a")])
    publisher.note_cause("rebuild")
    with unwritable(tmp_path / "model"):
        publisher.publish_if_due(model, idle=True)
        clock.advance(RETRY_S)
        publisher.publish_if_due(model, idle=True)

    text = scrape(status.metrics)

    assert value(text, "evershelf_listener_publish_failures_total") == 2
    assert value(text, "evershelf_listener_publish_seconds_count") == 0


def reasons_in(path: Path) -> Iterator[str]:
    """
    Yield each reason to train from scratch that a module of the listener gives.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Assign(
                targets=[ast.Name("reason")], value=ast.Constant(str(reason))
            ) if reason:
                yield reason
            case ast.AnnAssign(
                target=ast.Name("FIRST_START"),
                value=ast.Constant(str(reason)),
            ):
                yield reason
            case ast.Call(
                func=ast.Name("PositionLost" | "_nothing"),
                args=[ast.Constant(str(reason)), *_],
            ):
                yield reason


def test_every_reason_has_its_series() -> None:
    """
    Whatever makes the listener train from scratch is counted by its name, from 0 on.
    """
    root = Path(__file__).parents[2] / "listener"
    given = {
        reason
        for path in root.rglob("*.py")
        if path.parent.name != "doctor"
        for reason in reasons_in(path)
    }

    assert given | set(LOST.values()) | set(ENDS.values()) | TRUSTED == set(REASONS)


def test_unforeseen_reason_makes_no_series() -> None:
    """
    The number of series is known beforehand.
    """
    metrics = Metrics()
    before = scrape(metrics).count("\n")

    metrics.note_loss("frobnicated")

    assert scrape(metrics).count("\n") == before
    assert (
        value(scrape(metrics), "evershelf_listener_positions_lost_total", "other") == 1
    )
