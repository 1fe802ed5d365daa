"""
The sweep on a collection in memory: what it finds, how much it reads, and when it
starts over.
"""

from __future__ import annotations

import threading

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from listener.errors import Unreachable
from listener.sweep import LEAST_PASS_S, MOST_KEYS, MOST_ROWS
from recommender.index import Index
from recommender.mutation import Delete, Upsert
from recommender.segment import key_hash
from tests.support.clock import FakeClock
from tests.support.damage import damage
from tests.support.fake_source import FakeSource
from tests.support.listener import events
from tests.support.listening import Listening
from tests.support.products import make_catalogue, make_key, make_product
from tests.support.waiting import wait_for


PER_S = 50
Logs = list[Any]


@pytest.fixture(name="source")
def _source() -> FakeSource:
    return FakeSource(make_catalogue(120))


@pytest.fixture(name="listening")
def _listening(
    tmp_path: Path, source: FakeSource, clock: FakeClock, logs: Logs
) -> Iterator[Listening]:
    """
    A listener that follows and sweeps; `logs` begin here.
    """
    listening = Listening(tmp_path / "model", source, clock, sweep_per_s=PER_S)
    listening.settle()
    logs.clear()
    yield listening
    listening.crash()


def index_of(listening: Listening) -> Index:
    assert listening.daemon._model is not None
    return listening.daemon._model.index


def sweep(listening: Listening) -> None:
    """
    Turn until a pass is over that began after the call, and all is served.
    """
    swept = listening.status.swept
    began = 1 if listening.daemon._parts.sweep._pass else 0
    listening.clock.advance(LEAST_PASS_S)
    passes = swept.passes + began
    turn_until(listening, lambda: listening.status.swept.passes > passes, step_s=1)
    listening.settle()


def turn_until(
    listening: Listening, ask: Callable[[], object], step_s: float = 0.1
) -> None:
    def turn() -> object:
        listening.turn()
        listening.clock.advance(step_s)
        return ask()

    wait_for(turn)


def is_read(listening: Listening) -> bool:
    """
    Return whether no read is under way.
    """
    reading = listening.daemon._parts.sweep._reading
    return reading is None or reading.done()


def turn_for(listening: Listening, seconds: float) -> None:
    """
    Turn until so much of the clock's time has passed, in large steps.
    """
    end = listening.clock.now + seconds
    while listening.clock.now < end:
        listening.turn()
        wait_for(lambda: is_read(listening))
        listening.clock.advance(5)


def repaired(logs: Logs) -> dict[str, list[str]]:
    """
    Return what was said to be repaired, by id.
    """
    return {
        id_: parts
        for line in events(logs, "sweep.repaired")
        for id_, parts in line["what"].items()
    }


def test_a_sound_model_is_left_alone(listening: Listening, logs: Logs) -> None:
    """
    Everything is compared in each pass, a line says so, and nothing is published.
    """
    generation = listening.status.served.generation
    sweep(listening)
    line = events(logs, "sweep.done")[-1]

    assert (line["checked"], line["unsettled"], line["repaired"]) == (120, 0, 0)
    assert line["took_s"] > 0
    assert not events(logs, "sweep.repaired")
    assert listening.status.served.generation == generation
    assert listening.status.swept.checked >= 120


@pytest.mark.parametrize(
    ("column", "part"),
    [
        ("price", "price"),
        ("displays", "display"),
        ("tf", "weights"),
        ("visible", "visible"),
        ("in_stock", "in_stock"),
    ],
)
def test_a_damaged_column_is_repaired(
    listening: Listening, logs: Logs, column: str, part: str
) -> None:
    """
    A row of which one column is wrong is named with it, made anew and published; the
    next pass finds nothing.
    """
    source = listening.source
    source.put(make_product("new", "red lamp", price=5))
    listening.settle()
    generation = listening.status.served.generation
    damage(index_of(listening), make_key("new"), column)
    sweep(listening)

    assert repaired(logs) == {"new": [part]}
    assert {line["log_level"] for line in events(logs, "sweep.repaired")} == {"error"}
    assert listening.status.swept.repaired == 1
    assert listening.status.served.generation > generation
    assert listening.status.served.visible == sum(
        product.visible for product in source.documents.values()
    )
    listening.assert_equal()
    sweep(listening)
    assert listening.status.swept.repaired == 1


def test_what_is_missing_gone_or_changed_is_repaired(
    listening: Listening, logs: Logs
) -> None:
    """
    Products that the model lost, or never got, those that only it has, and those of
    which it has another version, are put right and named.
    """
    index = index_of(listening)
    index.apply(
        [
            Delete(make_key("3")),
            Upsert(make_product("ghost", "never there")),
            Upsert(make_product("4", "another name")),
        ]
    )
    sweep(listening)

    said = repaired(logs)
    assert said.pop("4")[0] == "terms"
    assert said == {"3": ["missing"], "ghost": ["gone"]}
    assert sum(line["count"] for line in events(logs, "sweep.repaired")) == 3
    listening.assert_equal()


def test_a_model_of_another_collection_becomes_this_one(
    listening: Listening, logs: Logs
) -> None:
    """
    However much is wrong, one pass puts it right, with a line for each stretch.
    """
    index = index_of(listening)
    index.apply(map(Delete, list(index.keys())))
    index.apply(map(Upsert, (make_product(f"x{n}") for n in range(700))))
    sweep(listening)

    said = repaired(logs)
    assert len(said) == 820
    assert all(line["count"] <= MOST_KEYS for line in events(logs, "sweep.repaired"))
    listening.assert_equal()


@pytest.mark.parametrize("per_s", [1, 7, 250])
def test_at_most_so_many_a_second(
    tmp_path: Path, source: FakeSource, clock: FakeClock, per_s: int
) -> None:
    """
    In no second more is read than the setting says: not after the start, not when idle
    and not while much is written.
    """
    reads: list[tuple[float, int]] = []
    page = source.page

    def noted(after: Any, limit: int) -> Any:
        found = page(after, limit)
        reads.append((clock.now, len(found.products)))
        return found

    source.page = noted  # type: ignore[method-assign]
    listening = Listening(tmp_path / "model", source, clock, sweep_per_s=per_s)
    for number in range(600):
        if number % 3 == 0 and number < 300:
            source.put(make_product(f"{number % 120}", f"number {number}"))
        listening.turn()
        wait_for(lambda: is_read(listening))  # the clock stands meanwhile
        clock.advance(0.05)

    assert sum(n for _, n in reads) >= min(20 * per_s // 4, 120)
    for start, _ in reads:
        assert sum(n for at, n in reads if start <= at < start + 0.999) <= per_s
    listening.crash()


def test_a_small_collection_is_not_read_without_end(
    listening: Listening, logs: Logs
) -> None:
    """
    One pass in ten minutes is enough.
    """
    turn_for(listening, 3 * LEAST_PASS_S)

    assert 2 <= len(events(logs, "sweep.done")) <= 4


def test_off(tmp_path: Path, source: FakeSource, clock: FakeClock) -> None:
    """
    With 0 nothing is read, and nothing is remembered.
    """
    listening = Listening(tmp_path / "model", source, clock, sweep_per_s=0)
    listening.settle()
    new = make_product("new")
    listening.source.put(new)
    turn_for(listening, 2 * LEAST_PASS_S)

    assert source.faults.calls["page"] == 0
    assert key_hash(new.key) not in listening.daemon._parts.sweep._written
    listening.crash()


def test_written_while_it_reads(listening: Listening, logs: Logs) -> None:
    """
    Products that are written between the read and the comparison, or that the model
    already has newer than the read, are no difference.
    """
    source = listening.source
    page = source.page
    versions = iter(range(10_000))

    def page_and_write(*arguments: Any) -> Any:
        found = page(*arguments)
        for product in found.products[:5]:
            source.put(make_product(product.key.decode()[1:-1], f"v{next(versions)}"))
        source.put(make_product(f"x{next(versions)}"))
        source.delete(make_key(f"{next(versions) % 120}"))
        return found

    source.page = page_and_write  # type: ignore[method-assign]
    sweep(listening)
    sweep(listening)

    assert not events(logs, "sweep.repaired")
    assert listening.status.swept.unsettled > 10
    listening.assert_equal()


def test_unreachable_in_the_middle(listening: Listening, logs: Logs) -> None:
    """
    A stretch that cannot be read is tried again, neither in haste nor with a line per
    try, and the pass goes on from there; following does not notice.
    """
    source = listening.source
    damage(index_of(listening), max(source.documents), "price")
    for nth in range(2, 12):
        source.faults.plan("page", Unreachable("no answer"), nth)
    before, began = source.faults.calls["page"], listening.clock.now
    turn_until(listening, lambda: source.faults.calls["page"] >= before + 12)
    assert listening.clock.now - began > 10
    assert not events(logs, "listener.state")
    sweep(listening)

    assert 1 <= len(events(logs, "sweep.failed")) <= 2
    assert list(repaired(logs).values()) == [["price"]]
    listening.assert_equal()


def test_disconnected_in_the_middle(listening: Listening, logs: Logs) -> None:
    """
    While the listener is not connected nothing is read; afterwards the pass goes on,
    and what was written meanwhile is no difference.
    """
    source = listening.source
    turn_until(listening, lambda: listening.daemon._parts.sweep._pass)
    for nth in range(1, 20):
        source.faults.plan("take", Unreachable("no answer"), nth)
        source.faults.plan("identity", Unreachable("no answer"), nth)
    for number in range(0, 120, 2):
        source.put(make_product(f"{number}", "another name"))
        source.delete(make_key(f"{number + 1}"))
    turn_until(listening, lambda: events(logs, "listener.state"))
    source.faults.clear()
    sweep(listening)

    assert not events(logs, "sweep.repaired")
    listening.assert_equal()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_swapped_in_the_middle(
    listening: Listening, logs: Logs, *, is_replaced: bool
) -> None:
    """
    When another model takes the place of the one that is being compared, of another
    collection or of the same, the pass starts over, and nothing is repaired.
    """
    source = listening.source
    turn_until(listening, lambda: listening.daemon._parts.sweep._pass)
    before = listening.daemon._model
    if is_replaced:
        source.replace(make_catalogue(40, seed=9))
    else:
        listening.requests.ask()
    turn_until(listening, lambda: listening.daemon._model is not before)
    sweep(listening)

    assert not events(logs, "sweep.repaired")
    assert events(logs, "sweep.done")[-1]["checked"] == len(source.documents)
    listening.assert_equal()


def test_a_read_of_another_collection_is_not_believed(
    listening: Listening, logs: Logs
) -> None:
    """
    What is read after the collection was swapped, and before the listener knows, does
    not count.
    """
    source = listening.source
    page = source.page

    def swap_and_page(*arguments: Any) -> Any:
        source.page = page  # type: ignore[method-assign]
        source.replace(make_catalogue(40, seed=9))
        return page(*arguments)

    source.page = swap_and_page  # type: ignore[method-assign]
    listening.clock.advance(LEAST_PASS_S)
    sweep(listening)

    assert not events(logs, "sweep.repaired")
    listening.assert_equal()


def test_a_defect_of_the_sweep_stops_nothing(listening: Listening, logs: Logs) -> None:
    """
    A fault of ours while a stretch is read is said, and following goes on.
    """
    source = listening.source

    def fail(*_arguments: Any) -> Any:
        raise ZeroDivisionError

    page, source.page = source.page, fail  # type: ignore[method-assign]
    listening.clock.advance(LEAST_PASS_S)
    turn_until(listening, lambda: events(logs, "sweep.failed"))
    source.put(make_product("new", "red lamp"))
    listening.settle()
    source.page = page  # type: ignore[method-assign]
    sweep(listening)

    assert "ZeroDivisionError" in events(logs, "sweep.failed")[0]["error"]
    assert events(logs, "sweep.done")[-1]["checked"] == 121


def test_stopped_while_it_reads(listening: Listening) -> None:
    """
    A read that takes long does not keep the process from ending.
    """
    source = listening.source
    is_reached, may_go = threading.Event(), threading.Event()

    def hang(*_arguments: Any) -> Any:
        is_reached.set()
        may_go.wait(30)
        raise Unreachable

    source.page = hang  # type: ignore[method-assign]
    listening.clock.advance(LEAST_PASS_S)
    turn_until(listening, is_reached.is_set)
    listening.stop()
    listening.start()
    may_go.set()


def test_a_stretch_is_never_larger_than_what_the_loop_can_bear(
    tmp_path: Path, source: FakeSource, clock: FakeClock
) -> None:
    """
    However much may be read, no more is compared in one go.
    """
    listening = Listening(tmp_path / "model", source, clock, sweep_per_s=1_000_000)
    limits: set[int] = set()
    page = source.page

    def noted(after: Any, limit: int) -> Any:
        limits.add(limit)
        return page(after, limit)

    source.page = noted  # type: ignore[method-assign]
    turn_until(listening, lambda: listening.status.swept.passes)

    assert limits == {MOST_ROWS}
    listening.crash()
