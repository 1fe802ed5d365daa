"""
The loop, on a collection in memory.
"""

from __future__ import annotations

import threading

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from listener.daemon import PAUSE_S
from listener.errors import ListenerError, PositionLost, Refused, Unreachable
from listener.guard import HELD
from listener.lag import BEHIND, LATE_S
from listener.rebuild import PULSE_S
from listener.schedule import Policy
from listener.status import REMINDER_S
from recommender.backoff import LONGEST_S
from recommender.position import State
from recommender.store import DURABLE, Store
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listener import events, unwritable
from tests.support.listening import Listening
from tests.support.products import make_catalogue, make_key, make_product
from tests.support.waiting import wait_for


HOUR_S = 3600.0
Logs = list[Any]


@pytest.fixture(name="source")
def _source() -> FakeSource:
    return FakeSource(make_catalogue(30))


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    return tmp_path / "model"


@pytest.fixture(name="listening")
def _listening(
    folder: Path, source: FakeSource, clock: FakeClock, logs: Logs
) -> Iterator[Listening]:
    """
    A listener that follows; `logs` begin here.
    """
    listening = Listening(folder, source, clock)
    listening.settle()
    logs.clear()
    yield listening
    close(listening)


def close(listening: Listening) -> None:
    if not listening.stop_asked.is_set():
        listening.crash()


def fail_always(source: FakeSource, error: ListenerError) -> None:
    """
    Let every call fail until the plan is cleared.
    """
    for method in ("identity", "now", "follow", "take", "count", "scan", "batch"):
        for nth in range(1, 2_000):
            source.faults.plan(method, error, nth)


def turn_for(listening: Listening, seconds: float) -> None:
    """
    Turn until so much of the clock's time has passed.
    """
    end = listening.clock.now + seconds
    while listening.clock.now < end:
        listening.turn()
        listening.clock.advance(0.01)


def turn_until(listening: Listening, ask: Callable[[], object]) -> None:
    """
    Turn until something is so.
    """

    def turn() -> object:
        listening.turn()
        return ask()

    wait_for(turn)


def is_applied(listening: Listening, id_: str) -> bool:
    model = listening.daemon._model
    return model is not None and model.index.content(make_key(id_)) is not None


def states(logs: Logs) -> list[tuple[str, str]]:
    lines = events(logs, "listener.state")
    return [(str(line["state"]), line["reason"]) for line in lines]


class Gate:
    """
    Holds a rebuild, when all is in its model, until it is opened.
    """

    def __init__(self, source: FakeSource) -> None:
        self.is_reached = threading.Event()
        self._may_go = threading.Event()
        identity = source.identity
        asked = 0

        def gated() -> str:
            nonlocal asked
            if threading.current_thread().name == "rebuild":
                asked += 1
                if asked % 2 == 0:
                    self.is_reached.set()
                    assert self._may_go.wait(60)
            return identity()

        source.identity = gated  # type: ignore[method-assign]

    def open(self) -> None:
        """
        Let it go on.
        """
        self._may_go.set()


# starting and following


def test_first_start(
    folder: Path, source: FakeSource, clock: FakeClock, logs: Logs
) -> None:
    """
    Without a model the collection is scanned and published, and then followed.
    """
    listening = Listening(folder, source, clock)
    listening.settle()

    assert states(logs) == [("scanning", "first_start"), ("following", "")]
    (line,) = events(logs, "model.published")
    assert (line["cause"], line["products"]) == ("rebuild", 30)
    listening.assert_equal()
    close(listening)


def test_writes_are_published(listening: Listening, logs: Logs) -> None:
    """
    What is written is served as soon as it has come, without a change of state.
    """
    listening.source.put(make_product("new", "red lamp"))
    listening.source.delete(make_key("3"))
    listening.settle()

    listening.assert_equal()
    lines = events(logs, "model.published")
    assert sum(line["inserted"] for line in lines) == 1
    assert sum(line["deleted"] for line in lines) == 1
    assert not states(logs)


def test_prepares_when_nothing_comes(listening: Listening) -> None:
    """
    A moment after what was published, the files of what comes next are made; before
    that nobody waits for longer.
    """
    waited: list[float] = []
    listening.source.put(make_product("new", "red lamp"))
    while listening.reader.read_manifest().products == 30:
        listening.turn()
    assert not listening.store.is_prepared

    listening.source.on_idle = waited.append
    while len(waited) < 2:
        listening.turn()

    assert waited[0] <= PAUSE_S
    assert listening.store.is_prepared
    assert waited[1] > PAUSE_S


def test_goes_on_from_the_durable_generation(listening: Listening, logs: Logs) -> None:
    """
    After a stop nothing is scanned again; what was written meanwhile is caught up with.
    """
    listening.stop()
    listening.source.put(make_product("new", "red lamp"))
    listening.source.delete(make_key("3"))
    listening.start()
    listening.settle()

    listening.assert_equal()
    assert not events(logs, "scan.started")
    assert states(logs) == [
        ("stopping", ""), ("catching_up", "resumed"), ("following", ""),
    ]  # fmt: skip


def test_collection_replaced_while_down(listening: Listening, logs: Logs) -> None:
    """
    A collection that is another than that of the model is scanned; until then the last
    good model serves.
    """
    listening.stop()
    listening.source.replace(make_catalogue(5, seed=9))
    listening.start()
    listening.settle()

    listening.assert_equal()
    (line,) = events(logs, "position.lost")
    assert line["reason"] == "collection_replaced"
    assert ("rebuilding", "collection_replaced") in states(logs)


def test_crash_with_servers_ahead(listening: Listening, folder: Path) -> None:
    """
    Servers keep what they have until the restarted listener has come as far, and the
    loop does not spin while it waits for that.
    """
    turn_until(listening, (folder / DURABLE).exists)
    before = (folder / DURABLE).read_bytes()
    for number in range(20):
        listening.source.put(make_product("new", f"number {number}"))
        listening.settle()
    generation = listening.status.served.generation
    listening.crash()
    (folder / DURABLE).write_bytes(before)
    waits: list[float] = []
    listening.source.random.random = lambda: 0.0  # type: ignore[method-assign]
    listening.source.on_idle = waits.append
    listening.start()
    listening.source.on_idle = waits.append
    listening.turn(2)
    listening.settle()

    assert listening.status.served.generation > generation
    assert 0.0 not in waits
    listening.assert_equal()


# the database goes away


def test_unreachable_at_first_start(
    folder: Path, source: FakeSource, clock: FakeClock, logs: Logs
) -> None:
    """
    A database that is not there for an hour is a line at first and one each half
    minute, not one per try; then everything goes its way.
    """
    fail_always(source, Unreachable("no answer"))
    listening = Listening(folder, source, clock)
    turn_for(listening, HOUR_S / 4)
    assert listening.state == (State.RETRYING, "unreachable")
    lines = len(logs)
    source.faults.clear()
    listening.settle()

    assert lines <= HOUR_S / 4 / REMINDER_S + 5
    assert len(events(logs, "rebuild.started")) == 2
    listening.assert_equal()
    close(listening)


def test_unreachable_while_following(listening: Listening, logs: Logs) -> None:
    """
    An outage is one line, the return another two; what was written meanwhile is there
    within two seconds of the return.
    """
    fail_always(listening.source, Unreachable("no answer"))
    listening.source.put(make_product("new", "red lamp"))
    turn_for(listening, 10)
    assert listening.state == (State.RETRYING, "unreachable")
    position = listening.reader.read_position()
    assert position is not None
    assert position.state == State.RETRYING
    listening.source.faults.clear()
    turn_for(listening, LONGEST_S + 2 * PULSE_S)

    assert listening.state == (State.FOLLOWING, "")
    assert listening.snapshot.find(make_key("new"))
    assert states(logs) == [
        ("retrying", "unreachable"), ("catching_up", "resumed"), ("following", ""),
    ]  # fmt: skip
    assert listening.source.open_feeds == 1


def test_stream_that_cannot_be_opened_is_one_outage(
    listening: Listening, logs: Logs
) -> None:
    """
    A database that answers, but whose stream does not open, is one state and not a new
    one with each try.
    """
    fail_always(listening.source, Unreachable("no answer"))
    turn_for(listening, 1)
    listening.source.faults.clear()
    source = listening.source
    for nth in range(1, 100):
        source.faults.plan("take", Unreachable("no stream"), nth)
    turn_for(listening, 60)

    assert states(logs) == [("retrying", "unreachable")]
    source.faults.clear()
    listening.settle()
    assert listening.state == (State.FOLLOWING, "")
    close(listening)


def test_stream_that_says_nothing_is_behind(listening: Listening, logs: Logs) -> None:
    """
    While the database is known to have more than its stream tells, the model is behind,
    and says so once; then it follows.
    """
    source = listening.source
    source.is_mute = True
    source.put(make_product("new", "red lamp"))
    turn_for(listening, LATE_S / 2)
    assert listening.state == (State.FOLLOWING, "")
    turn_for(listening, 2 * LATE_S)
    assert listening.state == (State.CATCHING_UP, BEHIND)
    source.is_mute = False
    listening.settle()
    listening.turn()

    assert states(logs) == [("catching_up", BEHIND), ("following", "")]
    assert listening.snapshot.find(make_key("new"))


def test_position_is_said_during_an_outage(
    listening: Listening, clock: FakeClock
) -> None:
    """
    The position file is written each second also while the database is away: the
    listener lives.
    """
    fail_always(listening.source, Unreachable("no answer"))
    for _ in range(20):
        turn_for(listening, 1)
        position = listening.reader.read_position()
        assert position is not None
        assert clock.wall() - position.written_at_s <= 1 + 2 * PULSE_S


def test_what_is_applied_is_published_during_an_outage(
    folder: Path, source: FakeSource, clock: FakeClock
) -> None:
    """
    Changes that wait for a quiet moment when the database goes away are published when
    it comes, and made durable.
    """
    policy = Policy(quiet_s=5, min_interval_s=0, max_staleness_s=60)
    listening = Listening(folder, source, clock, policy=policy)
    listening.settle()
    source.put(make_product("new", "red lamp"))
    turn_until(listening, lambda: is_applied(listening, "new"))
    assert not listening.snapshot.find(make_key("new"))
    fail_always(source, Unreachable("no answer"))
    turn_for(listening, 20)

    assert listening.state == (State.RETRYING, "unreachable")
    assert listening.snapshot.find(make_key("new"))
    generation = listening.status.served.generation
    pointer = listening.reader.read_pointer
    turn_until(listening, lambda: pointer(DURABLE).generation == generation)
    close(listening)


def test_refused_at_the_start(
    folder: Path, source: FakeSource, clock: FakeClock, logs: Logs
) -> None:
    """
    What the operator must mend ends the process when it has never worked.
    """
    source.faults.plan("take", Refused("not allowed", "grant it"))
    listening = Listening(folder, source, clock)
    with pytest.raises(Refused):
        listening.daemon.run()

    assert states(logs)[-1] == ("failed", "Refused")
    assert source.open_feeds == 0
    listening.store.close()


def test_refused_while_following(listening: Listening, logs: Logs) -> None:
    """
    When it has worked, it is tried again, slowly; the log says what to do.
    """
    source = listening.source
    fail_always(source, Refused("not allowed", "grant it"))
    before = source.faults.calls.total()
    turn_for(listening, 600)
    tries = source.faults.calls.total() - before
    assert listening.state == (State.RETRYING, "refused")
    source.faults.clear()
    listening.settle()

    assert tries < 40
    assert events(logs, "listener.state")[0]["remedy"] == "grant it"
    assert listening.state == (State.FOLLOWING, "")


# the position is lost


def test_position_lost(listening: Listening, logs: Logs) -> None:
    """
    The model is rebuilt aside while the last good one serves, deletes that nobody saw
    included.
    """
    generation = listening.status.served.generation
    gate = Gate(listening.source)
    listening.source.put(make_product("new"))
    listening.source.delete(make_key("3"))
    listening.source.forget()
    turn_until(listening, gate.is_reached.is_set)
    assert listening.state == (State.REBUILDING, "history_lost")
    assert listening.reader.read_manifest().generation == generation
    gate.open()
    listening.settle()

    listening.assert_equal()
    (line,) = events(logs, "model.published")
    assert (line["cause"], line["products"]) == ("rebuild", 30)
    assert len(events(logs, "position.lost")) == 1


def test_position_lost_after_an_outage_is_said(
    listening: Listening, logs: Logs
) -> None:
    """
    However many tries failed before, that the position is lost is said.
    """
    fail_always(listening.source, Unreachable("no answer"))
    turn_for(listening, 60)
    listening.source.faults.clear()
    listening.source.put(make_product("new"))
    listening.source.forget()
    listening.settle()

    (line,) = events(logs, "position.lost")
    assert line["reason"] == "history_lost"


def test_rebuild_that_keeps_failing(listening: Listening, logs: Logs) -> None:
    """
    A rebuild that cannot be finished is tried again, neither in haste nor with a line
    per try, and the last good model serves.
    """
    source = listening.source
    for nth in range(1, 500):
        source.faults.plan("batch", PositionLost("fell_behind"), nth)
    source.put(make_product("new"))
    source.forget()
    before = source.faults.calls["scan"]
    turn_for(listening, 60)

    def tries() -> int:
        return source.faults.calls["scan"] - before

    # the last one may still be under way
    turn_until(listening, lambda: listening.status.failures == tries() + 1)
    assert 8 < tries() < 20
    assert len(events(logs, "position.lost")) == 2
    source.faults.clear()
    listening.settle()

    listening.assert_equal()


def test_position_that_is_lost_again_and_again(
    listening: Listening, logs: Logs
) -> None:
    """
    When each rebuild works and the stream is lost right after it, the collection is not
    read without a pause, and the loss is said once.
    """
    source = listening.source
    before = source.faults.calls["split"]
    end = listening.clock.now + 60
    while listening.clock.now < end:
        if listening.daemon._feed is not None:
            source.faults.plan("take", PositionLost("stream_fatal"), 1)
        listening.turn()
        listening.clock.advance(0.01)
    tries = source.faults.calls["split"] - before
    assert 5 < tries < 20
    assert len(events(logs, "position.lost")) == 1
    listening.settle()

    listening.assert_equal()


def test_dropped_collection_is_obeyed(listening: Listening) -> None:
    """
    A collection that was dropped, and is small enough not to be guarded, is empty.
    """
    listening.source.replace()
    listening.settle()

    assert listening.status.served.products == 0
    listening.assert_equal()


# trained from scratch on request


def test_request_is_fulfilled(listening: Listening, logs: Logs) -> None:
    """
    Whoever asks for a model trained from scratch hears what is served then; those who
    ask at the same time share one; the state stays, for nothing is stale.
    """
    generation = listening.status.served.generation
    one, other = listening.requests.ask(), listening.requests.ask()
    listening.settle()

    assert one.result(60) == other.result(60)
    assert one.result(60).generation > generation
    assert len(events(logs, "scan.started")) == 1
    assert not states(logs)
    assert listening.source.open_feeds == 1
    listening.assert_equal()


def test_answers_do_not_go_back_when_models_are_swapped(listening: Listening) -> None:
    """
    What was written after a rebuild had ended, and is served already, is in the new
    model before that is served.
    """
    gate = Gate(listening.source)
    listening.requests.ask()
    listening.turn()
    assert gate.is_reached.wait(60)
    listening.source.put(make_product("new", "red lamp"))
    turn_until(listening, lambda: listening.snapshot.find(make_key("new")))
    gate.open()
    listening.rebuilds.wait(60)
    listening.source.random.random = lambda: 0.0  # type: ignore[method-assign]
    while not listening.is_settled:
        listening.turn()
        assert listening.snapshot.find(make_key("new"))

    listening.assert_equal()


@pytest.mark.parametrize(
    "trouble", [Unreachable(), PositionLost("fell_behind")], ids=repr
)
def test_answers_do_not_go_back_when_trouble_comes_before_the_swap(
    listening: Listening, trouble: ListenerError
) -> None:
    """
    Nor when the old feed breaks off between the end of a rebuild and the swap, and the
    new one has not told of anything yet.
    """
    gate = Gate(listening.source)
    listening.requests.ask()
    listening.turn()
    assert gate.is_reached.wait(60)
    listening.source.put(make_product("new", "red lamp"))
    turn_until(listening, lambda: listening.snapshot.find(make_key("new")))
    listening.source.faults.plan("take", trouble)
    turn_until(listening, lambda: not listening.source.faults.due)
    listening.source.faults.plan("take", Unreachable())  # also of the new feed
    gate.open()
    listening.rebuilds.wait(60)
    listening.source.random.random = lambda: 0.0  # type: ignore[method-assign]
    while not listening.is_settled:
        listening.turn()
        assert listening.snapshot.find(make_key("new"))

    listening.assert_equal()


def test_request_that_fails_does_not_stop_following(listening: Listening) -> None:
    """
    While the rebuild that was asked for fails again and again, writes are served all
    the same; whoever asked waits until it succeeds.
    """
    source = listening.source
    for nth in range(1, 500):
        source.faults.plan("batch", Unreachable("no answer"), nth)
    before = source.faults.calls["scan"]
    future = listening.requests.ask()
    turn_for(listening, 300)
    source.put(make_product("new", "red lamp"))
    turn_for(listening, 10)
    assert listening.snapshot.find(make_key("new"))
    assert not future.done()
    assert 5 < source.faults.calls["scan"] - before < 30
    assert listening.state == (State.FOLLOWING, "")
    source.faults.clear()
    listening.settle()

    assert future.result(60).products == 31


# a publication on demand


def test_demand_cuts_a_debounce_short(
    folder: Path, source: FakeSource, clock: FakeClock, logs: Logs
) -> None:
    """
    Whoever asks for what was written gets it as soon as it is applied; what is written
    after that waits for its quiet moment again.
    """
    policy = Policy(quiet_s=30, min_interval_s=0, max_staleness_s=60)
    listening = Listening(folder, source, clock, policy=policy)
    listening.settle()
    source.put(make_product("new"))
    turn_until(listening, lambda: is_applied(listening, "new"))
    assert not listening.snapshot.find(make_key("new"))

    listening.requests.demand(source.time)
    turn_until(listening, lambda: listening.snapshot.find(make_key("new")))
    source.put(make_product("later"))
    turn_for(listening, 5)

    assert is_applied(listening, "later")
    assert not listening.snapshot.find(make_key("later"))
    close(listening)


def test_demand_when_all_is_served(listening: Listening, logs: Logs) -> None:
    """
    Without a change there is nothing to publish.
    """
    listening.requests.demand(listening.source.time)
    turn_for(listening, 5)

    assert not events(logs, "model.published")


# the shrink guard


@pytest.fixture(name="guarded")
def _guarded(folder: Path, clock: FakeClock, logs: Logs) -> Iterator[Listening]:
    """
    A listener whose collection of 200 products was replaced by one of 3.
    """
    source = FakeSource(make_catalogue(200))
    listening = Listening(folder, source, clock, grace_s=60)
    listening.settle()
    logs.clear()
    source.replace(make_catalogue(3))
    turn_for(listening, 10)
    assert listening.state == (State.REBUILDING, HELD)
    assert listening.snapshot.products == 200
    yield listening
    close(listening)


def test_sudden_loss_is_believed_after_a_while(guarded: Listening, logs: Logs) -> None:
    """
    A catalogue that has lost most of its products at once is served after the grace
    time; the line says how much was lost.
    """
    turn_for(guarded, 60)

    assert guarded.snapshot.products == 3
    assert guarded.state == (State.FOLLOWING, "")
    (line,) = [
        line for line in events(logs, "listener.state") if line["reason"] == HELD
    ]
    assert line["log_level"] == "warning"
    assert line["visible"] < line["before"]


def test_loss_that_is_made_good(guarded: Listening) -> None:
    """
    When the products come back in time, visitors never see that they were gone.
    """
    guarded.source.put(*make_catalogue(200))
    turn_for(guarded, 20)

    assert guarded.state == (State.FOLLOWING, "")
    guarded.assert_equal()


def test_request_vouches_for_a_loss(guarded: Listening) -> None:
    """
    Whoever asks for a model trained from scratch need not wait for the grace time.
    """
    future = guarded.requests.ask()
    turn_for(guarded, 5)

    assert future.result(60).products == 3
    assert guarded.snapshot.products == 3


def test_request_vouches_for_no_later_loss(
    folder: Path, clock: FakeClock, logs: Logs
) -> None:
    """
    What is lost while a requested rebuild runs is guarded; who asked waits for it.
    """
    source = FakeSource(make_catalogue(200))
    listening = Listening(folder, source, clock, grace_s=60)
    listening.settle()
    gate = Gate(source)
    future = listening.requests.ask()
    turn_until(listening, gate.is_reached.is_set)
    source.replace(make_catalogue(3))
    turn_until(listening, lambda: events(logs, "position.lost"))
    gate.open()
    turn_for(listening, 30)
    assert listening.state == (State.REBUILDING, HELD)
    assert listening.snapshot.products == 200
    assert not future.done()
    turn_for(listening, 60)

    assert listening.snapshot.products == 3
    assert future.result(60).products == 3
    close(listening)


# stopping


def test_stop_before_the_first_turn(
    folder: Path, source: FakeSource, clock: FakeClock
) -> None:
    """
    A process that is asked to stop while it starts does nothing more.
    """
    listening = Listening(folder, source, clock)
    listening.stop()

    assert not source.faults.calls
    position = listening.reader.read_position()
    assert position is not None
    assert position.state == State.STOPPING


def test_stop_publishes_and_keeps_what_is_applied(
    folder: Path, source: FakeSource, clock: FakeClock
) -> None:
    """
    Changes that wait for a quiet moment are published at a stop and durable after it.
    """
    policy = Policy(quiet_s=30, min_interval_s=0, max_staleness_s=60)
    listening = Listening(folder, source, clock, policy=policy)
    listening.settle()
    source.put(make_product("new"))
    turn_until(listening, lambda: is_applied(listening, "new"))
    listening.stop()

    assert listening.snapshot.find(make_key("new"))
    durable = listening.reader.read_pointer(DURABLE)
    assert durable.generation == listening.reader.read_manifest().generation
    assert source.open_feeds == 0


@pytest.mark.parametrize("during", ["backoff", "rebuild", "catching up"])
def test_stop_at_any_time(listening: Listening, during: str) -> None:
    """
    A stop is heard of whatever the loop waits for, and leaves nothing open.
    """
    source = listening.source
    gate = None
    match during:
        case "backoff":
            fail_always(source, Unreachable("no answer"))
            turn_for(listening, 20)
        case "rebuild":
            gate = Gate(source)
            source.put(make_product("new"))
            source.forget()
            turn_until(listening, gate.is_reached.is_set)
        case _:
            source.put(*make_catalogue(100, seed=7))
            listening.turn(2)
    listening.stop()
    if gate is not None:
        gate.open()

    wait_for(lambda: source.open_feeds == 0)
    source.faults.clear()
    listening.start()
    listening.settle()
    listening.assert_equal()


def test_stop_on_a_full_disk(listening: Listening, folder: Path) -> None:
    """
    A stop ends also when nothing can be written; the next start makes up for it.
    """
    turn_until(listening, (folder / DURABLE).exists)
    listening.source.put(make_product("new"))
    with unwritable(folder):
        listening.turn(3)
        listening.stop()
    listening.start()
    listening.settle()

    listening.assert_equal()


def test_full_disk_while_following(listening: Listening, folder: Path) -> None:
    """
    While nothing can be written the loop follows on; then all of it is served at once.
    """
    turn_until(listening, (folder / DURABLE).exists)
    with unwritable(folder):
        for number in range(5):
            listening.source.put(make_product(f"new {number}"))
            turn_for(listening, 2)
    turn_for(listening, 3)

    listening.assert_equal()
    assert listening.state == (State.FOLLOWING, "")


def test_store_is_free_after_a_stop(listening: Listening, folder: Path) -> None:
    """
    Another process may have the store as soon as this one has stopped.
    """
    listening.stop()
    with Store.open(folder) as store:
        assert store.load().manifest.products == 30
