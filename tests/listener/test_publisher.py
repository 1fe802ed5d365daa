"""
From the index to the servers.
"""

from __future__ import annotations

import math

from collections import Counter
from typing import Any

import pytest

from listener.publisher import Publisher
from listener.schedule import RETRY_S, Policy
from listener.status import Served, Status
from recommender.mutation import Delete, Upsert
from recommender.store import CURRENT, Store, StoreReader
from tests.support.clock import EPOCH, FakeClock
from tests.support.listener import (
    IDENTITY,
    SHAPE,
    at,
    events,
    make_batch,
    make_model,
    make_publisher,
    unwritable,
)
from tests.support.products import make_key, make_product


PROMPT = Policy(quiet_s=0, min_interval_s=0.005, max_staleness_s=1)
DEBOUNCE = Policy(quiet_s=30, min_interval_s=0, max_staleness_s=120)


@pytest.fixture(name="status")
def _status(clock: FakeClock) -> Status:
    return Status(clock.clock)


@pytest.fixture(name="publisher")
def _publisher(store: Store, status: Status, clock: FakeClock) -> Publisher:
    return make_publisher(store, status, PROMPT, clock)


def absorb(publisher: Publisher, model: Any, *mutations: Any, **values: Any) -> None:
    batch = make_batch(mutations, **values)
    publisher.note_batch(batch, model.absorb(batch), 0.25)


def test_publishes_what_was_applied(
    publisher: Publisher, status: Status, reader: StoreReader
) -> None:
    """
    The manifest names the model, its position and the settings; the status follows.
    """
    model = make_model()
    pending = make_product("b", "tea kettle", visible=False)
    absorb(publisher, model, Upsert(make_product("a")), Upsert(pending), increment=5)

    assert publisher.publish_if_due(model, idle=True)
    manifest = reader.read_manifest()
    assert (manifest.products, manifest.visible) == (2, 1)
    assert manifest.checkpoints == {SHAPE.collection: "checkpoint 5"}
    assert (manifest.as_of, manifest.identity) == (at(5), IDENTITY)
    assert (manifest.fingerprint, manifest.published_s) == (SHAPE.fingerprint, EPOCH)
    assert status.served == Served(manifest.generation, at(5), 2, 1, 1)


def test_one_line_per_publication(
    publisher: Publisher, clock: FakeClock, logs: list[Any]
) -> None:
    """
    The line counts what happened since the line before, by operation, and says how
    long it took from the database's write.
    """
    model = make_model([make_product("a"), make_product("b"), make_product("c")])
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    clock.advance(0.5)
    absorb(
        publisher,
        model,
        Upsert(make_product("a", "lamp")),
        Upsert(make_product("d")),
        Upsert(make_product("e", visible=False)),
        Delete(make_key("b")),
        increment=3,
        written_s=EPOCH + 0.3,
    )
    absorb(publisher, model, Delete(make_key("c")), increment=4, written_s=EPOCH + 0.4)
    clock.advance(0.1)
    publisher.publish_if_due(model, idle=True)
    absorb(publisher, model, Delete(make_key("d")), increment=5)
    clock.advance(0.1)
    publisher.publish_if_due(model, idle=True)

    first, second = events(logs, "model.published")
    counted = ("inserted", "updated", "deleted", "unchanged", "events")
    assert [first[name] for name in counted] == [2, 1, 2, 1, 6]
    assert [second[name] for name in counted] == [0, 0, 1, 0, 1]
    assert (first["products"], first["visible"]) == (3, 2)
    assert first["cause"] == "changes"
    assert first["publish_ms"] == 300  # since the first write that changed anything
    assert first["train_ms"] == 750
    assert first["as_of"] == at(4).to_text()
    assert second["generation"] == first["generation"] + 1


def test_manifest_names_the_oldest_write(
    publisher: Publisher, reader: StoreReader, clock: FakeClock
) -> None:
    """
    It is the first that changed anything since the generation before; a merge is the
    first to hold none.
    """
    model = make_model([make_product("a"), make_product("b")])
    for increment, written_s in ((2, 0.25), (3, 0.5)):
        absorb(
            publisher,
            model,
            Upsert(make_product("a", str(increment))),
            increment=increment,
            written_s=EPOCH + written_s,
        )
    publisher.publish_if_due(model, idle=True)
    first = reader.read_manifest()
    publisher.note_cause("merge")
    clock.advance(10)
    publisher.publish_if_due(model, idle=True)
    second = reader.read_manifest()

    assert first.written_s == EPOCH + 0.25
    assert second.generation > first.generation
    assert second.written_s is None


def test_no_change_no_publication(
    publisher: Publisher, status: Status, reader: StoreReader
) -> None:
    """
    A write that changes nothing moves the position, without a generation of its own.
    """
    model = make_model()
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    publisher.publish_if_due(model, idle=True)
    before = reader.read_manifest()
    absorb(publisher, model, Upsert(make_product("a")), increment=3)

    assert not publisher.publish_if_due(model, idle=True)
    publisher.note_position(model)
    assert reader.read_manifest() == before
    assert status.served == Served(before.generation, at(3), 1, 1, 1)


def test_position_waits_for_the_publication(
    publisher: Publisher, status: Status
) -> None:
    """
    Servers' model is not good up to a time whose changes it lacks.
    """
    model = make_model()
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    publisher.publish_if_due(model, idle=True)
    absorb(publisher, model, Upsert(make_product("b")), increment=3)
    publisher.note_position(model)

    assert status.served.as_of == at(2)


def test_nothing_published_no_position(publisher: Publisher, status: Status) -> None:
    """
    Without a generation there is nothing to be good up to any time.
    """
    publisher.note_position(make_model(increment=9))

    assert status.served == Served()


def test_answers_never_go_back_in_time(
    publisher: Publisher, status: Status, store: Store
) -> None:
    """
    What is older than the floor is not published, not at a stop either, and does not
    keep the loop awake; it is as soon as it has come there.
    """
    model = make_model(increment=2)
    publisher.hold_until(at(5))
    publisher.note_cause("restart")
    absorb(publisher, model, Upsert(make_product("a")), increment=4)

    assert not publisher.publish_if_due(model, idle=True)
    publisher.publish_rest(model)
    publisher.note_position(model)
    assert store.current is None
    assert status.served == Served()
    assert publisher.wait_s(model) == math.inf

    absorb(publisher, model, increment=5)
    assert publisher.wait_s(model) == 0
    assert publisher.publish_if_due(model, idle=True)
    assert status.served.as_of == at(5)


def test_stop_publishes_what_waits(
    publisher: Publisher, store: Store, clock: FakeClock
) -> None:
    """
    At a stop nothing waits for its turn; without a change nothing is written.
    """
    model = make_model()
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    publisher.publish_rest(model)
    first = store.current
    assert first is not None
    publisher.publish_rest(model)
    assert store.current is first

    absorb(publisher, model, Upsert(make_product("b")), increment=3)
    assert not publisher.publish_if_due(model, idle=True)  # too soon
    publisher.publish_rest(model)
    assert store.current.generation == first.generation + 1
    assert clock.now == 0


def test_debounce_is_one_publication(
    store: Store, status: Status, clock: FakeClock, logs: list[Any]
) -> None:
    """
    With a quiet time of 30 s, many updates in a minute are one retrain.
    """
    publisher = make_publisher(store, status, DEBOUNCE, clock)
    model = make_model()
    for number in range(6):
        absorb(publisher, model, Upsert(make_product(str(number))), increment=number)
        assert not publisher.publish_if_due(model, idle=True)
        clock.advance(10)
    assert publisher.wait_s(model) == 20
    clock.advance(20)
    publisher.publish_if_due(model, idle=True)

    assert [line["inserted"] for line in events(logs, "model.published")] == [6]


@pytest.mark.parametrize("cause", ["rebuild", "restart"])
def test_a_new_model_waits_for_no_quiet_moment(
    store: Store, status: Status, clock: FakeClock, cause: Any, logs: list[Any]
) -> None:
    """
    Whatever the quiet time, a model that was rebuilt or restored is published at once;
    the line says why.
    """
    publisher = make_publisher(store, status, DEBOUNCE, clock)
    publisher.note_cause(cause)
    model = make_model([make_product("a")])

    assert publisher.wait_s(model) == 0
    assert publisher.publish_if_due(model, idle=False)
    (line,) = events(logs, "model.published")
    assert (line["cause"], line["publish_ms"]) == (cause, None)


def test_rebuild_counts_nothing_of_the_model_before(
    publisher: Publisher, logs: list[Any]
) -> None:
    """
    Changes that wait when another model takes over are not told as the new model's;
    a merge that comes then does not change the reason.
    """
    model = make_model()
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    publisher.note_cause("rebuild")
    publisher.note_cause("merge")
    publisher.publish_if_due(make_model([make_product("a")]), idle=True)

    (line,) = events(logs, "model.published")
    assert (line["cause"], line["inserted"], line["events"]) == ("rebuild", 0, 0)


def test_rebuilt_generation_names_no_write(
    publisher: Publisher, reader: StoreReader, logs: list[Any]
) -> None:
    """
    It is the first to hold what no event told of, so a write that follows it is not
    its oldest.
    """
    model = make_model([make_product("a")])
    publisher.note_cause("rebuild")
    absorb(publisher, model, Upsert(make_product("b")), increment=2, written_s=EPOCH)
    publisher.publish_if_due(model, idle=True)

    (line,) = events(logs, "model.published")
    assert (line["inserted"], line["publish_ms"]) == (1, None)
    assert reader.read_manifest().written_s is None


def test_full_disk_keeps_the_generation_before(
    publisher: Publisher, store: Store, clock: FakeClock, logs: list[Any]
) -> None:
    """
    What cannot be written stays waiting, is tried again each second and not more
    often, and is said once; then everything is in one publication.
    """
    model = make_model()
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    publisher.publish_if_due(model, idle=True)
    reader = StoreReader(store._folder)
    before = reader.read_manifest()
    tries = 0
    with unwritable(reader.folder):
        absorb(publisher, model, Upsert(make_product("b")), increment=3)
        for _ in range(100):
            clock.advance(0.05)
            tries += publisher.wait_s(model) == 0
            assert not publisher.publish_if_due(model, idle=True)
            publisher.note_position(model)
        assert reader.read_pointer(CURRENT) == before
        assert store.current == before
    clock.advance(RETRY_S)
    assert publisher.publish_if_due(model, idle=True)

    assert tries == pytest.approx(5 / RETRY_S, abs=1)
    assert reader.read_manifest().products == 2
    said = events(logs, "publish.failed", "publish.recovered", "model.published")
    assert [line["event"] for line in said] == [
        "model.published", "publish.failed", "publish.recovered", "model.published",
    ]  # fmt: skip
    assert said[-1]["inserted"] == 1


def test_stop_on_a_full_disk(
    publisher: Publisher, store: Store, reader: StoreReader, logs: list[Any]
) -> None:
    """
    A stop does not fail when the last changes cannot be written.
    """
    model = make_model()
    absorb(publisher, model, Upsert(make_product("a")), increment=2)
    with unwritable(reader.folder):
        publisher.publish_rest(model)

    assert store.current is None
    assert [line["event"] for line in logs] == ["publish.failed"]


def test_counts_of_a_part_are_not_lost(
    publisher: Publisher, logs: list[Any], clock: FakeClock
) -> None:
    """
    A batch in parts counts as one, and names the first part's time.
    """
    model = make_model()
    first = make_product("a"), make_product("b")
    absorb(publisher, model, *map(Upsert, first), increment=None, events=Counter())
    assert model.mark.as_of == at(1)
    absorb(
        publisher,
        model,
        Upsert(make_product("c")),
        increment=7,
        events=Counter(insert=3),
    )
    clock.advance(1)
    publisher.publish_if_due(model, idle=True)

    (line,) = events(logs, "model.published")
    assert (line["inserted"], line["events"], line["as_of"]) == (3, 3, at(7).to_text())
