"""
A model trained from scratch, aside.
"""

from __future__ import annotations

import threading

from collections.abc import Callable

import pytest

from listener.build import Here
from listener.compare import differences
from listener.errors import ListenerError, PositionLost, Refused, Unreachable
from listener.model import Model
from listener.rebuild import Interrupted, Rebuild
from listener.tally import Tally
from recommender.snapshot import Snapshot
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.products import (
    WEIGHTS,
    make_catalogue,
    make_generation,
    make_key,
    make_product,
)


def make_rebuild(
    source: FakeSource,
    clock: FakeClock,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Rebuild:
    return Rebuild(source, WEIGHTS, clock.clock, is_stopping, Here(WEIGHTS))


def assert_equal(model: Model, source: FakeSource) -> None:
    snapshot = Snapshot.derive(make_generation(model.index))
    assert not list(differences(snapshot, source.documents, WEIGHTS))


@pytest.fixture(name="source")
def _source() -> FakeSource:
    return FakeSource(make_catalogue(20))


def test_holds_what_is_in_the_collection(source: FakeSource, clock: FakeClock) -> None:
    """
    The model is that of the collection, with its identity, and its feed goes on.
    """
    rebuilt = make_rebuild(source, clock).run()

    assert_equal(rebuilt.model, source)
    assert rebuilt.model.identity == source.identity()
    assert rebuilt.model.mark.as_of == source.time
    assert source.open_feeds == 1
    source.put(make_product("new"))
    while not rebuilt.model.index.content(make_key("new")):
        batch = rebuilt.feed.take(0)
        if batch is not None:
            rebuilt.model.absorb(batch)
    rebuilt.feed.__exit__(None, None, None)


def test_tells_how_far_it_is(source: FakeSource, clock: FakeClock) -> None:
    """
    While it scans, the tally has how many there are; afterwards nothing.
    """
    seen = []
    tally = Tally()

    def is_stopping() -> bool:
        seen.append((tally.done, tally.total))
        return False

    rebuild = Rebuild(source, WEIGHTS, clock.clock, is_stopping, Here(WEIGHTS), tally)
    rebuild.run().feed.__exit__(None, None, None)

    assert seen[0] == (0, 0)
    assert (0, 20) in seen
    assert (tally.done, tally.total) == (0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_writes_during_the_scan_are_in(clock: FakeClock, seed: int) -> None:
    """
    Whatever the scan saw of them, products that were inserted, changed or deleted
    while it ran are as they are when it is over; the mark promises no less.
    """
    source = FakeSource(make_catalogue(12), seed=seed)
    source.during_scan = [
        lambda: source.put(make_product("3", "changed"), make_product("new")),
        lambda: source.delete(make_key("5"), make_key("7")),
        lambda: source.put(make_product("7", "again"), make_product("3", "once more")),
        lambda: source.transact({make_key("1"): None, make_key("new"): None}),
        lambda: source.put(make_product("last")),
    ]
    rebuilt = make_rebuild(source, clock).run()

    assert_equal(rebuilt.model, source)
    assert rebuilt.model.mark.as_of == source.time
    assert not source.during_scan


def test_empty_collection(clock: FakeClock) -> None:
    """
    A collection without products, or that does not exist yet, has a model, too.
    """
    rebuilt = make_rebuild(FakeSource(), clock).run()

    assert rebuilt.model.index.products == 0


def run_once(rebuild: Rebuild) -> ListenerError | None:
    """
    Return how it failed; close the feed of one that did not.
    """
    try:
        rebuilt = rebuild.run()
    except ListenerError as error:
        return error
    rebuilt.feed.__exit__(None, None, None)
    return None


@pytest.mark.parametrize(
    "method", ["identity", "follow", "take", "count", "split", "scan", "batch", "now"]
)
@pytest.mark.parametrize(
    "error", [Unreachable(), PositionLost("fell_behind"), Refused("no", "grant it")]
)
def test_failure_leaves_nothing_open(
    source: FakeSource, clock: FakeClock, method: str, error: ListenerError
) -> None:
    """
    Whatever fails, and at whatever call, is what the caller hears of, and the feed is
    closed.
    """
    for nth in (1, 2, 3):
        source.faults.plan(method, error, nth)
        failed = run_once(make_rebuild(source, clock))
        assert failed is error if nth == 1 else failed in {error, None}
        source.faults.clear()
        assert source.open_feeds == 0


def test_collection_replaced_meanwhile(source: FakeSource, clock: FakeClock) -> None:
    """
    A scan that saw parts of two collections is of no use.
    """
    source.during_scan = [lambda: source.replace(make_catalogue(3))]

    with pytest.raises(PositionLost) as raised:
        make_rebuild(source, clock).run()
    assert raised.value.reason == "collection_dropped"
    assert source.open_feeds == 0


def test_replaced_before_the_feed_was_open(
    source: FakeSource, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Between asking which collection it is and following it, it may become another,
    which the feed does not tell.
    """
    follow = source.follow

    def replace_and_follow(checkpoint: str | None) -> object:
        source.replace(make_catalogue(3))
        return follow(checkpoint)

    monkeypatch.setattr(source, "follow", replace_and_follow)
    with pytest.raises(PositionLost) as raised:
        make_rebuild(source, clock).run()
    assert raised.value.reason == "collection_replaced"
    assert source.open_feeds == 0


@pytest.mark.parametrize("after", range(8))
def test_stop_is_heard_of(source: FakeSource, clock: FakeClock, after: int) -> None:
    """
    Whenever the process is asked to stop, the rebuild ends without a result, and
    closes its feed.
    """
    asked = iter([False] * after)

    with pytest.raises(Interrupted):
        make_rebuild(source, clock, lambda: next(asked, True)).run()
    assert source.open_feeds == 0


def test_silent_database_does_not_keep_it(source: FakeSource, clock: FakeClock) -> None:
    """
    While nothing at all comes from the stream, a stop ends the wait.
    """
    is_stopping = threading.Event()
    waits = 0

    def count(_timeout_s: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            is_stopping.set()

    source.on_idle = count
    source.random.random = lambda: 0.0  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        make_rebuild(source, clock, is_stopping.is_set).run()
    assert waits == 3
