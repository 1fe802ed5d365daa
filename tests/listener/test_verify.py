"""
The proof: what is equal is proven so, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from listener.errors import Unreachable
from listener.guard import HELD
from listener.verify import NAMED, QUIET_S, SHOWN, SLOW, Report, Verification, say
from recommender.address import to_address
from recommender.errors import StoreCorrupt, StoreEmpty
from recommender.position import ClusterTime, State
from recommender.product import Product
from recommender.store import CURRENT, DURABLE, SEGMENTS
from server.freshness import LISTENER_SILENT
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listener import events
from tests.support.listening import Listening
from tests.support.products import WEIGHTS, make_catalogue, make_key, make_product


PATIENCE_S = 30.0
SEEDS = range(8)  # how the feeds cut their batches
Logs = list[Any]


class Shop(FakeSource):
    """
    One in which things happen before and after the time is told.

    Attributes:
        before_now: What happens before, one each time.
        after_now: What happens after, one each time.
    """

    def __init__(self, products: list[Product], seed: int = 0) -> None:
        super().__init__(products, seed=seed)
        self.before_now: list[Callable[[], object]] = []
        self.after_now: list[Callable[[], object]] = []
        self.is_asked_by_us = False

    def now(self) -> ClusterTime:
        """
        See `Source`.
        """
        if not self.is_asked_by_us:
            return super().now()
        if self.before_now:
            self._alone(self.before_now.pop(0))
        time = super().now()
        if self.after_now:
            self._alone(self.after_now.pop(0))
        return time

    def _alone(self, happens: Callable[[], object]) -> None:
        self.is_asked_by_us = False
        happens()
        self.is_asked_by_us = True


class Bench:
    """
    A shop that is followed, and compared with its model.
    """

    def __init__(
        self, folder: Path, clock: FakeClock, products: list[Product], seed: int = 0
    ) -> None:
        self.clock = clock
        self.source = Shop(products, seed)
        self.listening = Listening(folder, self.source, clock, grace_s=30.0)
        self.on_pause: Callable[[], object] = self.listening.turn

    def verify(self) -> Report:
        """
        Compare, while the listener goes on whenever the model is waited for.
        """
        verification = Verification(
            self.source,
            self.listening.reader,
            WEIGHTS,
            self.clock.clock,
            PATIENCE_S,
            self.pause,
        )
        self.source.is_asked_by_us = True
        try:
            return verification.run()
        finally:
            self.source.is_asked_by_us = False

    def pause(self, seconds: float) -> None:
        """
        Let time pass, and the listener do something.
        """
        self.clock.advance(seconds)
        self.source._alone(self.on_pause)

    def close(self) -> None:
        """
        End what still runs.
        """
        if not self.listening.stop_asked.is_set():
            self.listening.crash()


@pytest.fixture(name="make_bench")
def _make_bench(tmp_path: Path, clock: FakeClock) -> Iterator[Callable[..., Bench]]:
    """
    Makes one that is settled, unless told.
    """
    made: list[Bench] = []

    def make(count: int = 30, *, seed: int = 0, is_settled: bool = True) -> Bench:
        bench = Bench(tmp_path / "model", clock, make_catalogue(count), seed)
        made.append(bench)
        if is_settled:
            bench.listening.settle()
        return bench

    yield make
    for bench in made:
        bench.close()


def nothing() -> None:
    """
    Let the listener do nothing.
    """


def falsify(bench: Bench, product: Product) -> None:
    """
    Change a product without telling anybody.
    """
    bench.source.documents[product.key] = product


MakeBench = Callable[..., Bench]


# equal


@pytest.mark.parametrize("count", [0, 1, 30])
def test_equal(make_bench: MakeBench, count: int) -> None:
    """
    A model that holds what the collection holds is equal, also an empty one.
    """
    report = make_bench(count).verify()

    assert report.is_equal
    assert report.products == report.rankings == count
    assert not report.differences
    assert (report.rechecked, report.unsettled, report.behind) == (0, (), "")


def test_model_that_is_late_is_waited_for(make_bench: MakeBench) -> None:
    """
    What was written just before is compared once the listener has it.
    """
    bench = make_bench()
    bench.source.put(make_product("new", "red kettle"))
    bench.source.delete(make_key("3"))

    assert bench.verify().is_equal


def test_sampled_rankings_are_counted(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The report says how many rankings were compared.
    """
    monkeypatch.setattr("listener.compare.ALL_RANKINGS", 7)

    report = make_bench().verify()

    assert report.is_equal
    assert (report.products, report.rankings) == (30, 7)


# not equal


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"price": 77.0}, {"price"}),
        ({"texts": {"name": "something else"}}, {"terms", "norm", "ranking"}),
        ({"visible": False}, {"visible"}),
    ],
    ids=["price", "name", "visible"],
)
def test_difference(
    make_bench: MakeBench, values: dict[str, Any], parts: set[str]
) -> None:
    """
    What the model missed is found, and told by product and part.
    """
    bench = make_bench()
    product = next(one for one in bench.source.documents.values() if one.visible)
    falsify(bench, product._replace(**values))

    report = bench.verify()

    assert not report.is_equal
    assert parts <= {
        one.what
        for one in report.differences
        if one.product_id == to_address(product.key)
    }


def test_missing_and_extra(make_bench: MakeBench) -> None:
    """
    A product that only one of both has is a difference.
    """
    bench = make_bench()
    falsify(bench, make_product("extra", "red lamp"))
    del bench.source.documents[make_key("3")]

    found = {
        (one.product_id, one.model, one.collection)
        for one in bench.verify().differences
        if one.what == "presence"
    }

    assert found == {("extra", "absent", "present"), ("3", "present", "absent")}


def test_first_differences_are_named(make_bench: MakeBench, logs: Logs) -> None:
    """
    Each of the first differences is a line; the last line has the sums.
    """
    bench = make_bench()
    for number in range(SHOWN + 5):
        product = bench.source.documents[make_key(str(number))]
        falsify(bench, product._replace(price=77.0))
    logs.clear()

    say(bench.verify())

    lines = events(logs, "verify.difference")
    assert len(lines) == SHOWN
    assert lines[0]["log_level"] == "error"
    assert (lines[0]["what"], lines[0]["collection"]) == ("price", "77.0")
    (done,) = events(logs, "verify.done")
    assert (done["equal"], done["differences"]) == (False, SHOWN + 5)


# written meanwhile


@pytest.mark.parametrize("seed", SEEDS)
def test_written_during_the_scan(make_bench: MakeBench, seed: int) -> None:
    """
    Whatever is written while the collection is read is no difference.
    """
    bench = make_bench(seed=seed)
    source = bench.source
    source.during_scan = [
        lambda: source.put(
            make_product("3", "warm scarf"), make_product("new", "lamp")
        ),
        lambda: source.delete(make_key("5")),
        lambda: source.transact({make_key("6"): None, make_key("new"): None}),
    ]

    assert bench.verify().is_equal


@pytest.mark.parametrize("seed", SEEDS)
def test_false_difference_when_the_feed_runs_ahead(
    make_bench: MakeBench, seed: int
) -> None:
    """
    A batch of the own feed that reaches past the time of the comparison makes no
    difference: the model need not have that yet.
    """
    bench = make_bench(seed=seed)
    source, listening = bench.source, bench.listening
    source.before_now = [
        lambda: (source.put(make_product("3", "one")), listening.settle())
    ]
    source.after_now = [lambda: source.put(make_product("4", "two"))]

    report = bench.verify()

    assert not report.differences
    assert report.is_equal


@pytest.mark.parametrize("seed", SEEDS)
def test_false_difference_when_the_model_runs_ahead(
    make_bench: MakeBench, seed: int
) -> None:
    """
    A model that has what was written after the time of the comparison, and the own
    feed has not yet, makes no difference.
    """
    bench = make_bench(seed=seed)
    source, listening = bench.source, bench.listening
    source.after_now = [
        lambda: (source.put(make_product("4", "two")), listening.settle()),
        lambda: (source.put(make_product("5", "two")), listening.settle()),
    ]

    assert bench.verify().is_equal


def write_all_the_time(bench: Bench, *ids: str, times: int = 10_000) -> None:
    """
    Write products whenever the time is told.
    """
    bench.source.after_now = [
        lambda number=number: [
            bench.source.put(make_product(id_, f"kettle n{number}")) for id_ in ids
        ]
        for number in range(times)
    ]


def test_written_for_long_is_compared_when_it_rests(
    make_bench: MakeBench, clock: FakeClock
) -> None:
    """
    Without a moment in which nothing is written the rest is compared, and what was
    written as soon as it rests.
    """
    bench = make_bench()
    source = bench.source
    write_all_the_time(bench, "3", "4")

    def rest_in_time() -> None:
        bench.listening.turn()
        if clock.now - started > QUIET_S + 1:
            source.after_now.clear()

    started = clock.now
    bench.on_pause = rest_in_time
    report = bench.verify()

    assert report.is_equal
    assert report.rechecked == 2


def test_recheck_finds_a_difference(make_bench: MakeBench, clock: FakeClock) -> None:
    """
    A product that was written meanwhile, and that the model has otherwise, is a
    difference.
    """
    bench = make_bench()
    source = bench.source
    write_all_the_time(bench, "3", "4")

    def rest_in_time() -> None:
        bench.listening.turn()
        if clock.now - started > QUIET_S + 1 and source.after_now:
            source.after_now.clear()
            source.before_now = [change_behind_the_listener]

    def change_behind_the_listener() -> None:
        source.put(make_product("3", "told"), make_product("4", "told"))
        bench.listening.settle()
        falsify(bench, make_product("3", "untold"))
        del source.documents[make_key("4")]

    started = clock.now
    bench.on_pause = rest_in_time
    report = bench.verify()

    assert {(one.product_id, one.what) for one in report.differences} == {
        ("3", "terms"),
        ("3", "display"),
        ("4", "presence"),
    }


def test_never_at_rest_is_not_proven(make_bench: MakeBench, logs: Logs) -> None:
    """
    Products that are written all the time are waited for, then named: they may differ.
    """
    bench = make_bench()
    ids = [str(number) for number in range(NAMED + 2)]
    write_all_the_time(bench, *ids)
    began = bench.clock.now
    logs.clear()

    report = bench.verify()
    say(report)

    assert not report.is_equal
    assert not report.differences
    assert report.unsettled == tuple(sorted(map(make_key, ids)))
    assert bench.clock.now - began >= PATIENCE_S
    (line,) = events(logs, "verify.unsettled")
    assert (line["count"], line["product_ids"]) == (len(ids), ids[:NAMED])
    assert "fewer products" in line["remedy"]
    (done,) = events(logs, "verify.done")
    assert (done["equal"], done["unsettled"]) == (False, len(ids))


# behind


def test_listener_that_is_gone(make_bench: MakeBench, logs: Logs) -> None:
    """
    Without a listener what was written never comes: not equal, and why.
    """
    bench = make_bench()
    bench.listening.stop()
    bench.on_pause = nothing
    bench.source.put(make_product("3", "new name"))
    began = bench.clock.now
    logs.clear()

    report = bench.verify()
    say(report)

    assert not report.is_equal
    assert report.behind == LISTENER_SILENT
    assert bench.clock.now - began >= PATIENCE_S
    (line,) = events(logs, "verify.behind")
    assert line["reason"] == LISTENER_SILENT
    assert "start run_listener.py" in line["remedy"]
    (done,) = events(logs, "verify.done")
    assert (done["equal"], done["behind"]) == (False, LISTENER_SILENT)


def test_behind_is_not_proven_even_without_a_difference(make_bench: MakeBench) -> None:
    """
    A model that may lack something is not proven equal, whatever is compared.
    """
    bench = make_bench()
    bench.listening.stop()
    bench.on_pause = nothing
    bench.source.tick()

    report = bench.verify()

    assert not report.differences
    assert not report.is_equal


def test_listener_that_is_slow(make_bench: MakeBench, logs: Logs) -> None:
    """
    A listener that lives and does not come along is told from one that is gone.
    """
    bench = make_bench()
    listening = bench.listening
    bench.source.tick()
    bench.on_pause = listening.daemon._parts.beacon.tend
    logs.clear()

    report = bench.verify()
    say(report)

    assert report.behind == SLOW
    (line,) = events(logs, "verify.behind")
    assert "listener's log" in line["remedy"]


def test_database_that_only_the_listener_cannot_reach(make_bench: MakeBench) -> None:
    """
    The listener's own reason is told.
    """
    bench = make_bench()
    bench.source.tick()

    def fail() -> None:
        bench.listening.daemon._guarded_follow = lambda: (  # type: ignore[method-assign]
            bench.listening.daemon._retry("unreachable", Unreachable(), 2.0)
        )
        bench.listening.turn()

    bench.on_pause = fail

    assert bench.verify().behind == "unreachable"


def test_model_falls_behind_while_products_rest(
    make_bench: MakeBench, clock: FakeClock
) -> None:
    """
    When the listener ends before all is compared there are no false differences: the
    rest is unsettled, and the model behind.
    """
    bench = make_bench()
    write_all_the_time(bench, "3", "4")
    started = clock.now

    def end_in_time() -> None:
        if clock.now - started < QUIET_S + 1:
            bench.listening.turn()

    bench.on_pause = end_in_time
    report = bench.verify()

    assert report.behind == LISTENER_SILENT
    assert not report.differences
    assert not report.is_equal
    assert report.unsettled == (make_key("3"), make_key("4"))


def test_held_by_the_shrink_guard(make_bench: MakeBench, logs: Logs) -> None:
    """
    While the shrink guard holds a model back that is said at once, and nothing is
    proven; afterwards it is equal.
    """
    bench = make_bench(200)
    bench.source.replace(make_catalogue(20))
    while bench.listening.state[1] != HELD:
        bench.listening.turn()
    began = bench.clock.now
    logs.clear()

    report = bench.verify()
    say(report)

    assert bench.clock.now - began < PATIENCE_S / 2
    assert report.behind == HELD
    assert not report.is_equal
    (line,) = events(logs, "verify.behind")
    assert "held by the shrink guard" in line["remedy"]

    bench.listening.settle()
    assert bench.verify().is_equal


def test_database_that_went_back_in_time(make_bench: MakeBench) -> None:
    """
    A model that is of a later time than an older copy of the database, and is being
    rebuilt for that reason, is waited for.
    """
    bench = make_bench()
    listening = bench.listening
    listening.status.enter(State.REBUILDING, "position_in_future")
    listening.daemon._parts.beacon.tend()
    bench.on_pause = listening.daemon._parts.beacon.tend

    assert bench.verify().behind == "position_in_future"


# no model


def test_no_model_yet(make_bench: MakeBench) -> None:
    """
    Before the first publication there is nothing to compare.
    """
    bench = make_bench(is_settled=False)

    with pytest.raises(StoreEmpty):
        bench.verify()


@pytest.mark.parametrize("name", ["pointers", "segments"])
def test_store_that_stays_corrupt(make_bench: MakeBench, name: str) -> None:
    """
    A store that no server could load is waited for, and then an error.
    """
    bench = make_bench()
    bench.listening.stop()
    bench.on_pause = nothing
    folder = bench.listening.reader.folder
    damaged = (
        [folder / CURRENT, folder / DURABLE]
        if name == "pointers"
        else [*(folder / SEGMENTS).iterdir()]
    )
    for path in damaged:
        path.write_bytes(b"?" * path.stat().st_size)
    began = bench.clock.now

    with pytest.raises(StoreCorrupt):
        bench.verify()

    assert bench.clock.now - began >= PATIENCE_S


def test_store_that_is_mended_meanwhile(make_bench: MakeBench) -> None:
    """
    A generation that cannot be loaded is no end: the next one is compared.
    """
    bench = make_bench()
    source = bench.source
    bench.on_pause = bench.listening.daemon.turn
    (bench.listening.reader.folder / CURRENT).write_bytes(b"{}")
    source.put(make_product("3", "new name"))

    report = bench.verify()

    assert report.is_equal
    assert source.open_feeds == 1  # the listener's


def test_feed_is_let_go_when_it_fails(make_bench: MakeBench) -> None:
    """
    A database that goes away ends the comparison, and leaves nothing open.
    """
    bench = make_bench()
    bench.source.faults.plan("batch", Unreachable(), 2)

    with pytest.raises(Unreachable):
        bench.verify()

    assert bench.source.open_feeds == 1


def test_stream_that_does_not_come_along(make_bench: MakeBench) -> None:
    """
    A change stream that stands still while the database's time goes on, as without a
    majority, is not waited for without end.
    """
    bench = make_bench()
    source = bench.source

    def stand_still() -> None:
        source.tick()
        source.random.random = lambda: 0.0  # type: ignore[method-assign]

    source.before_now = [stand_still]
    began = bench.clock.now

    with pytest.raises(Unreachable, match="majority"):
        bench.verify()

    assert PATIENCE_S <= bench.clock.now - began < 2 * PATIENCE_S
    assert source.open_feeds == 1


def test_collection_that_is_replaced_meanwhile(make_bench: MakeBench) -> None:
    """
    What was read of a collection that is gone proves nothing.
    """
    bench = make_bench()
    bench.source.during_scan = [lambda: bench.source.replace(make_catalogue(5))]

    with pytest.raises(Unreachable, match="collection_dropped: verify again"):
        bench.verify()

    assert bench.source.open_feeds == 1
