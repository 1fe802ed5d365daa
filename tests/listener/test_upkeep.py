"""
Durable copies, garbage and merges.
"""

from __future__ import annotations

import itertools
import os
import threading

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

import pytest

from listener.model import Model
from listener.upkeep import GARBAGE_S, IDLE_DURABLE_S, Upkeep
from recommender import allocator
from recommender.errors import StoreEmpty
from recommender.manifest import Manifest
from recommender.mutation import Upsert
from recommender.snapshot import Snapshot
from recommender.store import DURABLE, GRACE_S, SEGMENTS, Store, StoreReader
from tests.support.clock import FakeClock
from tests.support.listener import at, events, make_model
from tests.support.products import compact, make_catalogue, make_product, publish
from tests.support.stores import reopened
from tests.support.waiting import wait_for


INTERVAL_S = 5.0


@pytest.fixture(name="upkeep")
def _upkeep(store: Store, clock: FakeClock) -> Iterator[Upkeep]:
    upkeep = Upkeep(store, INTERVAL_S, clock.clock)
    yield upkeep
    upkeep.close()


@pytest.fixture(name="model")
def _model() -> Model:
    return make_model([make_product("a")])


def durable(reader: StoreReader) -> Manifest | None:
    try:
        return reader.read_pointer(DURABLE)
    except StoreEmpty:
        return None


def tend_until(upkeep: Upkeep, model: Model, ask: Callable[[], Any]) -> None:
    """
    Turn as the loop does, while no time passes.
    """

    def turn() -> Any:
        upkeep.tend(model)
        return ask()

    wait_for(turn)


def tend_idle(upkeep: Upkeep, model: Model) -> None:
    """
    Turn until nothing runs beside.
    """
    upkeep.tend(model)
    tend_until(upkeep, model, lambda: upkeep._durable._running is None)


@contextmanager
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """
    Let every fsync wait for the end of the context; yield what says that one does.
    """
    waits, may_go = threading.Event(), threading.Event()
    fsync = os.fsync

    def wait(descriptor: int) -> None:
        waits.set()
        may_go.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", wait)
    try:
        yield waits
    finally:
        may_go.set()


def test_nothing_to_keep(upkeep: Upkeep, reader: StoreReader, model: Model) -> None:
    """
    Before the first publication nothing is made durable.
    """
    tend_idle(upkeep, model)

    assert durable(reader) is None


def test_first_generation_of_a_process_that_was_killed(
    store: Store, reader: StoreReader, model: Model, clock: FakeClock
) -> None:
    """
    What was published and not yet made durable is made so at once by who goes on.
    """
    manifest = publish(store, model.index)
    with reopened(store) as again:
        again.load()
        upkeep = Upkeep(again, INTERVAL_S, clock.clock)
        tend_until(upkeep, model, lambda: durable(reader))
        upkeep.close()

    kept = durable(reader)
    assert kept is not None
    assert kept.generation == manifest.generation


def test_first_generation_at_once(
    upkeep: Upkeep, store: Store, reader: StoreReader, model: Model
) -> None:
    """
    A first model is never lost again: its durable copy does not wait.
    """
    manifest = publish(store, model.index)
    tend_until(upkeep, model, lambda: durable(reader))

    kept = durable(reader)
    assert kept is not None
    assert kept.generation == manifest.generation
    assert kept.next_generation > manifest.next_generation  # numbers are reserved


def test_new_generations_at_the_interval(
    upkeep: Upkeep, store: Store, reader: StoreReader, model: Model, clock: FakeClock
) -> None:
    """
    However many are published, one is made durable each few seconds, the newest.
    """
    kept = []
    for _ in range(20):
        newest = publish(store, model.index)
        tend_idle(upkeep, model)
        manifest = durable(reader)
        assert manifest is not None
        if manifest.generation not in kept:
            kept.append(manifest.generation)
            assert manifest.generation == newest.generation
        clock.advance(1)

    assert len(kept) == 20 / INTERVAL_S
    assert [b - a for a, b in itertools.pairwise(kept)] == [INTERVAL_S] * 3


def test_quiet_collection_keeps_its_position(
    upkeep: Upkeep, store: Store, reader: StoreReader, model: Model, clock: FakeClock
) -> None:
    """
    Without a publication the position alone is made durable, seldom: the oplog must
    not roll past it.
    """
    publish(store, model.index)
    tend_idle(upkeep, model)
    store.advance({"products": "later"}, at(9))
    clock.advance(IDLE_DURABLE_S - 1)
    tend_idle(upkeep, model)
    kept = durable(reader)
    assert kept is not None
    assert kept.checkpoints == {"products": "start"}

    clock.advance(1)
    tend_idle(upkeep, model)
    kept = durable(reader)
    assert kept is not None
    assert (kept.checkpoints, kept.as_of) == ({"products": "later"}, at(9))


def test_same_is_not_written_again(
    upkeep: Upkeep, store: Store, reader: StoreReader, model: Model, clock: FakeClock
) -> None:
    """
    When nothing at all has moved, the disk is left alone.
    """
    publish(store, model.index)
    tend_idle(upkeep, model)
    before = (reader.folder / DURABLE).stat().st_ino
    clock.advance(10 * IDLE_DURABLE_S)
    tend_idle(upkeep, model)

    assert (reader.folder / DURABLE).stat().st_ino == before


def test_garbage_that_cannot_be_removed_stops_nothing(
    upkeep: Upkeep,
    store: Store,
    reader: StoreReader,
    model: Model,
    clock: FakeClock,
    logs: list[Any],
) -> None:
    """
    What stays, such as a folder that is not ours, is said once, keeps nothing else from
    being removed, and once more when it is gone.
    """
    segments = reader.folder / SEGMENTS
    for name in ("a", "c"):
        (segments / name).touch()
    (segments / "b").mkdir()
    publish(store, model.index)
    for _ in range(10):
        clock.advance(GRACE_S / 5)
        upkeep.tend(model)
    (segments / "b").rmdir()
    clock.advance(GARBAGE_S)
    upkeep.tend(model)

    assert [file.name for file in segments.iterdir()] == ["1-0.seg"]
    lines = events(logs, "garbage.failed", "garbage.recovered")
    assert [line["event"] for line in lines] == ["garbage.failed", "garbage.recovered"]


def test_close_makes_the_newest_durable(
    upkeep: Upkeep, store: Store, reader: StoreReader, model: Model
) -> None:
    """
    After a stop the next start goes on from the very last generation, and no numbers
    are skipped.
    """
    publish(store, model.index)
    tend_idle(upkeep, model)
    newest = publish(store, model.index)
    upkeep.close()

    kept = durable(reader)
    assert kept is not None
    assert kept.generation == newest.generation
    assert kept.next_generation == newest.generation + 1


def test_failing_disk(
    upkeep: Upkeep,
    store: Store,
    reader: StoreReader,
    model: Model,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    logs: list[Any],
) -> None:
    """
    A disk that does not take it is one line; the durable copy before stays, and the
    next is tried at the interval until it works.
    """
    first = publish(store, model.index)
    tend_idle(upkeep, model)
    newest = publish(store, model.index)

    def fail(_descriptor: int) -> None:
        raise OSError(5, "the disk is broken")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        for _ in range(4):
            clock.advance(INTERVAL_S)
            tend_idle(upkeep, model)
        upkeep.close()
    kept = durable(reader)
    assert kept is not None
    assert kept.generation == first.generation
    assert [line["event"] for line in logs] == ["durable.failed"]

    store.make_durable()
    kept = durable(reader)
    assert kept is not None
    assert kept.generation == newest.generation


def test_disk_that_recovers(
    upkeep: Upkeep,
    store: Store,
    model: Model,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    logs: list[Any],
) -> None:
    """
    When the disk works again that is said, once.
    """
    publish(store, model.index)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        tend_idle(upkeep, model)
    for _ in range(3):
        clock.advance(INTERVAL_S)
        tend_idle(upkeep, model)

    said = [
        line["event"] for line in events(logs, "durable.failed", "durable.recovered")
    ]
    assert said == ["durable.failed", "durable.recovered"]


def test_publications_do_not_wait_for_a_slow_disk(
    upkeep: Upkeep,
    store: Store,
    model: Model,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    While one generation is becoming durable others are published, and garbage is
    looked for; its own files stay.
    """
    publish(store, model.index)
    with slow_disk(monkeypatch) as waits:
        upkeep.tend(model)
        assert waits.wait(60)
        model.index.apply([Upsert(make_product("b"))])
        compact(model.index)
        newest = publish(store, model.index)
        clock.advance(GARBAGE_S)
        upkeep.tend(model)
        clock.advance(GRACE_S)
        upkeep.tend(model)
        assert upkeep._durable._running is not None  # the disk is still at it
    tend_idle(upkeep, model)

    restored = StoreReader(store._folder)
    kept = restored.read_pointer(DURABLE)
    assert kept.generation == newest.generation - 1
    assert len(restored.load(kept).segments) == 1


def test_merges_are_run_beside_and_adopted(
    upkeep: Upkeep, store: Store, reader: StoreReader
) -> None:
    """
    When the index has grown out of shape, and there is time, a merge is run and asks
    for a publication; the catalogue is the same.
    """
    products = make_catalogue(1800)
    model = make_model(products[:600])
    for end in (1200, 1800):
        model.index.freeze()
        model.index.apply(map(Upsert, products[end - 600 : end]))
    assert len(model.index.freeze()) == 3

    assert not upkeep.tend(model, idle=False)
    assert upkeep._merges._running is None  # while more is waiting to be applied
    wait_for(lambda: upkeep.tend(model))
    manifest = publish(store, model.index)
    assert len(manifest.segments) == 1
    snapshot = Snapshot.derive(reader.load(manifest))
    assert {row.key for row in snapshot.living()} == {p.key for p in products}


def test_memory_of_what_was_merged_is_given_back_once_nothing_holds_it(
    upkeep: Upkeep, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When the merge ends what was merged is still published: what it takes would stay with
    the process until the next merge, all of a burst.
    """
    products = make_catalogue(1200)
    model = make_model(products[:600])
    model.index.freeze()
    model.index.apply(map(Upsert, products[600:]))
    publish(store, model.index)
    merged = [ref(segment) for segment in model.index.freeze()]
    held_then: list[int] = []
    monkeypatch.setattr(
        allocator,
        "return_free",
        lambda: held_then.append(sum(segment() is not None for segment in merged)),
    )

    wait_for(lambda: upkeep.tend(model))
    upkeep.tend(model)
    upkeep._merges._worker.submit(int).result()
    assert held_then == []
    publish(store, model.index)
    upkeep.tend(model)
    upkeep._merges._worker.submit(int).result()
    assert held_then == [0]
    upkeep.tend(model)
    upkeep._merges._worker.submit(int).result()
    assert held_then == [0]


def test_merge_of_a_replaced_model_is_dropped(upkeep: Upkeep) -> None:
    """
    A merge that ends after another model has taken over changes nothing there, and
    asks for nothing.
    """
    products = make_catalogue(1200)
    old = make_model(products[:600])
    old.index.freeze()
    old.index.apply(map(Upsert, products[600:]))
    old.index.freeze()
    tend_until(upkeep, old, lambda: upkeep._merges._running)
    new = make_model(products[:3])
    new.index.freeze()
    before = new.index.freeze()

    def is_over() -> bool:
        assert not upkeep.tend(new)
        return upkeep._merges._running is None

    wait_for(is_over)
    assert new.index.freeze() == before
    assert new.index.products == 3


def test_first_generation_on_a_failing_disk(
    upkeep: Upkeep,
    store: Store,
    model: Model,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A first model that cannot be kept is tried again at the interval, not all the time.
    """
    publish(store, model.index)
    tries = []

    def fail(descriptor: int) -> None:
        tries.append(descriptor)
        raise OSError(5, "the disk is broken")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        for _ in range(5):
            tend_idle(upkeep, model)
        assert len(tries) == 1
        clock.advance(INTERVAL_S)
        tend_idle(upkeep, model)
        assert len(tries) == 2
