"""
Asking a listener on this machine to train from scratch.
"""

from __future__ import annotations

import threading

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from aiohttp import web

from listener import resync
from listener.clock import Clock
from listener.contact import Contact
from listener.control import Control
from listener.queue.errands import Errands
from listener.queue.job import Kind
from listener.rebuilds import Requests
from listener.remote import NoListener, Published, Remote
from listener.resync import resync_there
from listener.serving import serve_in_background
from listener.signals import Stop
from listener.status import Served, Status
from recommender.position import State
from server.access import Keys
from tests.support.documents import make_settings
from tests.support.fake_source import FakeSource
from tests.support.listener import events
from tests.support.ports import free_port
from tests.support.products import make_product
from tests.support.waiting import wait_for


Logs = list[dict[str, Any]]
CLOCK = Clock()


@dataclass(frozen=True, slots=True)
class Trained:
    """
    A listener's control, whose daemons are this test.
    """

    remote: Remote
    status: Status
    requests: Requests
    orders: Contact
    close: Any

    def publish(self) -> None:
        """
        Do what was asked for.
        """
        self.status.served = Served(7, FAR, 3, 2)
        self.requests.fulfil(self.status.served)


KEY = "schlüssel-€"
SOURCE = FakeSource(seed=1)
FAR = SOURCE.put(make_product("a", "kettle"))


@pytest.fixture(name="listener")
def _listener() -> Iterator[Trained]:
    port, status, requests = free_port(), Status(CLOCK), Requests()
    orders, keys = Contact(Status(CLOCK), Requests()), Keys.of(["open", KEY])
    control = Control(SOURCE, status, requests, keys, orders=orders)
    close = serve_in_background(control.make_app(), port, name="control")
    closing = threading.Lock()

    def close_once() -> None:
        if closing.acquire(blocking=False):
            close()

    yield Trained(Remote(port, "open"), status, requests, orders, close_once)
    close_once()


@pytest.fixture(name="asked")
def _asked(listener: Trained) -> Iterator[tuple[Future[Published | None], Stop]]:
    """
    A resync under way, of which the listener has heard.
    """
    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(resync_there, listener.remote, CLOCK, stop)
        wait_for(lambda: listener.requests.is_waiting)
        yield asked, stop
        stop.set()


def test_shows_how_far_it_is(
    listener: Trained,
    asked: tuple[Future[Published | None], Stop],
    monkeypatch: pytest.MonkeyPatch,
    logs: Logs,
) -> None:
    """
    What the listener reads is shown as it goes on; the end is what it published.
    """
    monkeypatch.setattr("listener.progress.LINE_S", 0.0)
    tally = listener.status.tally
    tally.total = 100
    for done in (30, 70):
        tally.done = done
        wait_for(lambda done=done: done in shown(logs))
    assert not asked[0].done()
    listener.publish()

    assert asked[0].result(30) == Published(7, 3)
    assert {line["total"] for line in events(logs, "read.progress")} == {100}


def shown(logs: Logs) -> list[int]:
    """
    Return how far each line says that it is.
    """
    return [line["done"] for line in events(logs, "read.progress")]


def test_says_what_it_waits_for(
    listener: Trained,
    asked: tuple[Future[Published | None], Stop],
    monkeypatch: pytest.MonkeyPatch,
    logs: Logs,
) -> None:
    """
    While the listener cannot read, its state and reason are said now and then.
    """
    monkeypatch.setattr(resync, "REMINDER_S", 0.0)
    listener.status.enter(State.RETRYING, "unreachable")
    wait_for(
        lambda: (
            {"state": "retrying", "reason": "unreachable"}.items()
            <= dict(*events(logs, "resync.waiting")[-1:]).items()
        )
    )
    listener.publish()

    assert asked[0].result(30) == Published(7, 3)


def test_stopping(
    listener: Trained, asked: tuple[Future[Published | None], Stop]
) -> None:
    """
    Whoever is told to stop waits no longer; the listener goes on.
    """
    asked[1].set()

    assert asked[0].result(30) is None
    assert listener.requests.is_waiting


def test_listener_that_ends(
    listener: Trained, asked: tuple[Future[Published | None], Stop]
) -> None:
    """
    When the listener ends before it is done, that is an error.
    """
    listener.close()

    with pytest.raises(NoListener):
        asked[0].result(30)


def test_a_key_of_any_letters(listener: Trained) -> None:
    """
    Opens as any other does.
    """
    assert Remote(listener.remote.port, KEY).health().generation == 0


def test_wrong_key(listener: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A listener that does not take the key says so.
    """
    monkeypatch.setattr(resync, "STARTING_S", 0.0)
    with pytest.raises(NoListener, match="EVERSHELF_ADMIN_KEYS"):
        resync_there(Remote(listener.remote.port, "guess"), CLOCK, Stop())
    assert not listener.requests.is_waiting


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A listener that starts is given time to answer; one that never does is an error.
    """
    monkeypatch.setattr(resync, "STARTING_S", 0.0)
    with pytest.raises(NoListener, match="refused"):
        resync_there(Remote(free_port()), CLOCK, Stop())


def test_stopped_while_nobody_answers() -> None:
    """
    Waiting for a listener to start can be stopped.
    """
    stop = Stop()
    stop.set()
    assert resync_there(Remote(free_port()), CLOCK, stop) is None


def test_health(listener: Trained) -> None:
    """
    What a listener says of itself arrives, and how long its loop has been silent.
    """
    listener.status.enter(State.FOLLOWING)
    listener.status.served = Served(7, FAR, 3, 2)
    listener.status.tally.total, listener.status.tally.done = 9, 4
    health = listener.remote.health()

    assert (health.state, health.reason) == ("following", "")
    assert (health.generation, health.products) == (7, 3)
    assert (health.scanned, health.to_scan) == (4, 9)
    assert listener.remote.silence_s() < 30


def test_orders(listener: Trained) -> None:
    """
    Of the orders the same is asked and said, apart from the products.
    """
    stop, remote = Stop(), listener.remote.of_orders()
    listener.orders.status.tally.total = 9
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(resync_there, remote, CLOCK, stop)
        wait_for(lambda: listener.orders.requests.is_waiting)
        health = remote.health()
        listener.orders.status.served = Served(4, FAR, 8, 6)
        listener.orders.requests.fulfil(listener.orders.status.served)

        assert asked.result(30) == Published(4, 8)
    assert (health.products, health.to_scan) == (0, 9)
    assert not listener.requests.is_waiting


def test_a_job_is_of_both(listener: Trained) -> None:
    """
    As a job of a queue it is for the products first and then for the orders; what it
    returns is the model of the products.
    """
    settings = make_settings(
        control_port=listener.remote.port,
        admin_keys=("open",),
        orders_collection="orders",
    )
    errands = Errands(settings, "", Stop())
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(errands.run, Kind.RESYNC, lambda _percent: None)
        wait_for(lambda: listener.requests.is_waiting)
        assert not listener.orders.requests.is_waiting
        listener.publish()
        wait_for(lambda: listener.orders.requests.is_waiting)
        assert not asked.done()
        listener.orders.status.served = Served(4, FAR, 8, 6)
        listener.orders.requests.fulfil(listener.orders.status.served)

        assert asked.result(30) == Published(7, 3)


def test_no_orders(listener: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A listener that follows none says so.
    """
    monkeypatch.setattr(resync, "STARTING_S", 0.0)
    port = free_port()
    control = Control(SOURCE, listener.status, listener.requests, Keys())
    close = serve_in_background(control.make_app(), port, name="control")
    try:
        with pytest.raises(NoListener, match="no orders"):
            resync_there(Remote(port).of_orders(), CLOCK, Stop())
    finally:
        close()


def test_another_program(listener: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What answers, but not as a listener, is none.
    """

    async def train(_self: Control, _request: Any) -> Any:
        return web.json_response(["hello"])

    monkeypatch.setattr(Control, "show", train)
    port = free_port()
    control = Control(SOURCE, listener.status, listener.requests, Keys())
    close = serve_in_background(control.make_app(), port, name="control")
    try:
        with pytest.raises(NoListener, match="no listener"):
            Remote(port).health()
    finally:
        close()
