"""
The rebuild beside the loop, and who waits for it.
"""

from __future__ import annotations

import threading

from concurrent.futures import Future
from typing import Any

import pytest

from listener.build import Here
from listener.errors import Unreachable
from listener.guard import REQUESTED
from listener.rebuild import Rebuild, Rebuilt
from listener.rebuilds import FIRST_LOOK, Rebuilds, Requests
from listener.status import Served
from tests.support.clock import FakeClock
from tests.support.fake_source import FakeSource
from tests.support.listener import at, events
from tests.support.products import WEIGHTS, make_catalogue
from tests.support.waiting import wait_for


SERVED = Served(5, at(5), 10, 9)


@pytest.fixture(name="source")
def _source() -> FakeSource:
    return FakeSource(make_catalogue(10))


@pytest.fixture(name="rebuilds")
def _rebuilds(source: FakeSource, clock: FakeClock) -> Rebuilds:
    return Rebuilds(Rebuild(source, WEIGHTS, clock.clock, lambda: False, Here(WEIGHTS)))


def tend_until_done(rebuilds: Rebuilds) -> Rebuilt:
    return wait_for(rebuilds.tend)


class Gate:
    """
    Holds a rebuild before it reads, until it is opened.
    """

    def __init__(self, source: FakeSource) -> None:
        self.is_reached = threading.Event()
        self._may_go = threading.Event()
        split = source.split

        def gated(rows: int) -> Any:
            self.is_reached.set()
            assert self._may_go.wait(60)
            return split(rows)

        source.split = gated  # type: ignore[method-assign]

    def open(self) -> None:
        """
        Let it go on.
        """
        self._may_go.set()


def test_nothing_is_due(rebuilds: Rebuilds, source: FakeSource) -> None:
    """
    Without a reason nothing runs.
    """
    assert rebuilds.tend() is None
    assert not rebuilds.is_due
    assert not source.faults.calls


def test_runs_once_for_many_reasons(
    rebuilds: Rebuilds, source: FakeSource, logs: list[Any]
) -> None:
    """
    Those who ask before it is done share one rebuild; the first reason counts.
    """
    rebuilds.ask("history_lost")
    gate = Gate(source)
    assert rebuilds.is_startable
    assert rebuilds.tend() is None
    assert not rebuilds.is_startable
    rebuilds.ask("requested")
    gate.open()
    rebuilt = tend_until_done(rebuilds)

    assert rebuilt.model.index.products == 10
    assert not rebuilds.is_due
    assert rebuilds.tend() is None
    started = events(logs, "rebuild.started")
    assert [line["reason"] for line in started] == ["history_lost"]
    assert source.faults.calls["scan"] == 1
    rebuilt.feed.__exit__(None, None, None)


def test_failure_is_raised_once_and_stays_due(
    rebuilds: Rebuilds, source: FakeSource
) -> None:
    """
    A rebuild that fails is told of, and begins again with the next call.
    """
    rebuilds.ask("first_start")
    source.faults.plan("batch", Unreachable("no answer"), nth=2)
    with pytest.raises(Unreachable, match="no answer"):
        tend_until_done(rebuilds)
    assert rebuilds.is_startable
    assert rebuilds.reason == "first_start"

    rebuilt = tend_until_done(rebuilds)
    assert rebuilt.model.index.products == 10
    rebuilt.feed.__exit__(None, None, None)


class Looks:
    """
    What is done before a rebuild, and by a look alone; held until it is let go.
    """

    def __init__(self) -> None:
        self.count = 0
        self.may_end = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        assert self.may_end.wait(60)


@pytest.fixture(name="looks")
def _looks() -> Looks:
    return Looks()


@pytest.fixture(name="looking")
def _looking(source: FakeSource, clock: FakeClock, looks: Looks) -> Rebuilds:
    here = Here(WEIGHTS)
    return Rebuilds(
        Rebuild(source, WEIGHTS, clock.clock, lambda: False, here, prepare=looks)
    )


def test_a_look_rebuilds_nothing(
    looking: Rebuilds, source: FakeSource, looks: Looks, logs: list[Any]
) -> None:
    """
    To find out what documents have, no model is trained; then it is over.
    """
    looking.ask(FIRST_LOOK)
    assert looking.tend() is None
    looks.may_end.set()
    looking.wait(60)

    assert looking.tend() is None
    assert not looking.is_due
    assert looks.count == 1
    assert not source.faults.calls
    assert not events(logs, "rebuild.started")


@pytest.mark.parametrize("reason", [REQUESTED, "history_lost"])
def test_a_look_is_outweighed(looking: Rebuilds, looks: Looks, reason: str) -> None:
    """
    Who wants a rebuild while a look is under way gets it afterwards, and a look asks
    for nothing while one is wanted.
    """
    looking.ask(FIRST_LOOK)
    assert looking.tend() is None
    looking.ask(reason)
    looking.ask(FIRST_LOOK)
    looks.may_end.set()
    rebuilt = tend_until_done(looking)

    assert rebuilt.model.index.products == 10
    assert not looking.is_due
    assert looks.count == 2
    rebuilt.feed.__exit__(None, None, None)


@pytest.mark.parametrize("when", ["running", "done"])
def test_stop_leaves_no_feed_open(
    rebuilds: Rebuilds, source: FakeSource, when: str
) -> None:
    """
    The feed of a rebuild that nobody takes any more is closed, now or when it is done.
    """
    rebuilds.ask("first_start")
    gate = Gate(source)
    rebuilds.tend()
    assert gate.is_reached.wait(60)
    assert source.open_feeds == 1
    if when == "done":
        gate.open()
        rebuilds.wait(60)
        assert source.open_feeds == 1
    rebuilds.close()
    gate.open()

    wait_for(lambda: source.open_feeds == 0)
    rebuilds.close()


def test_waits_no_longer_than_it_takes(rebuilds: Rebuilds, source: FakeSource) -> None:
    """
    Waiting ends when the rebuild does, and when its time is over.
    """
    rebuilds.ask("first_start")
    gate = Gate(source)
    rebuilds.tend()
    rebuilds.wait(0.001)
    assert rebuilds.tend() is None
    gate.open()
    rebuilds.wait(60)

    rebuilt = rebuilds.tend()
    assert rebuilt is not None
    rebuilt.feed.__exit__(None, None, None)


def test_all_who_wait_hear_of_it() -> None:
    """
    Askers in any thread wait for the same training, and all of them are told; whoever
    asks afterwards waits for the next.
    """
    requests = Requests()
    futures: list[Future[Served]] = []
    threads = [
        threading.Thread(target=lambda: futures.append(requests.ask()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert requests.is_waiting
    requests.fulfil(SERVED)
    late = requests.ask()

    assert [future.result(60) for future in futures] == [SERVED] * 8
    assert requests.is_waiting
    assert not late.done()


def test_rebuilt_is_not_yet_published() -> None:
    """
    Those for whom there is a model ask for no other, and hear when it is published.
    """
    requests = Requests()
    future = requests.ask()
    requests.note_rebuilt()
    assert not requests.is_waiting
    assert not future.done()
    late = requests.ask()
    assert requests.is_waiting
    requests.fulfil(SERVED)

    assert future.result(60) == late.result(60) == SERVED


def test_what_was_rebuilt_may_be_lost_with_its_daemon() -> None:
    """
    Then those for whom there was a model wait for the next one.
    """
    requests = Requests()
    future = requests.ask()
    requests.note_rebuilt()
    requests.begin_again()

    assert requests.is_waiting
    assert not future.done()


def test_demands_are_met_once_and_in_time() -> None:
    """
    A demand is met by a model that has come as far, and then forgotten.
    """
    requests = Requests()
    requests.demand(at(5))
    requests.demand(at(7))
    assert not requests.take_demands(at(4))
    assert requests.take_demands(at(6))
    assert not requests.take_demands(at(6))
    assert requests.take_demands(at(7))
    assert not requests.take_demands(at(9))


def test_loss_outweighs_a_request(rebuilds: Rebuilds) -> None:
    """
    A rebuild that was asked for and becomes necessary is one that nobody wished for.
    """
    rebuilds.ask(REQUESTED)
    rebuilds.ask("history_lost")
    rebuilds.ask(REQUESTED)

    assert rebuilds.reason == "history_lost"


def test_who_has_gone_keeps_nobody_waiting() -> None:
    """
    A caller that gave up does not matter to the others.
    """
    requests = Requests()
    gone, other = requests.ask(), requests.ask()
    assert gone.cancel()
    requests.fulfil(SERVED)

    assert other.result(60) == SERVED
    assert not requests.is_waiting


def test_any_failure_is_raised(rebuilds: Rebuilds, source: FakeSource) -> None:
    """
    A defect in the thread beside is not lost there.
    """

    def fail() -> int:
        raise ZeroDivisionError

    source.count = fail  # type: ignore[method-assign]
    rebuilds.ask("first_start")
    with pytest.raises(ZeroDivisionError):
        tend_until_done(rebuilds)
