"""
What is followed beside the products begins anew whatever ends it.
"""

from __future__ import annotations

import threading

from typing import Any

import pytest

from listener.beside import beside, keep_following
from listener.errors import Refused, Unreachable
from listener.signals import Stop
from tests.support.listener import events
from tests.support.waiting import wait_for


@pytest.mark.parametrize(
    ("failure", "event"),
    [
        (Refused("no", "grant it"), "orders.refused"),
        (Unreachable("gone"), "orders.failed"),
        (OSError("full"), "orders.failed"),
        (ZeroDivisionError(), "orders.crashed"),
    ],
    ids=["refused", "unreachable", "disk", "defect"],
)
def test_what_ends_it_is_said_and_it_begins_anew(
    failure: Exception, event: str, logs: list[Any]
) -> None:
    """
    Once each time, and until it is told to stop.
    """
    stop, calls = Stop(), 0

    def follow(its: Stop) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise failure
        its.set()

    keep_following(follow, stop, retry_s=0.0)
    assert calls == 3
    assert len(events(logs, event)) == 2


def test_it_ends_with_what_it_stands_beside() -> None:
    """
    Also when that is brought down by an error of its own.
    """
    is_told = threading.Event()

    def follow(its: Stop) -> None:
        wait_for(its.is_set, what="the end")
        is_told.set()

    with pytest.raises(ZeroDivisionError), beside(follow, Stop()):
        raise ZeroDivisionError
    assert is_told.is_set()


def test_a_shop_without_orders_has_nothing_beside() -> None:
    """
    No thread is started.
    """
    before = threading.active_count()
    with beside(None, Stop()):
        assert threading.active_count() == before
