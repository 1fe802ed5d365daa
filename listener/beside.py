"""
What is followed beside the products, and never in their way.
"""

from __future__ import annotations

import threading

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from listener.errors import ListenerError, Refused
from listener.signals import Round, Stop
from recommender.errors import RecommenderError, StoreTooNew


RETRY_S: Final = 30.0  # what ended it is rarely mended sooner
PARTING_S: Final = 30.0  # to publish the rest and make it durable; the disk may be slow

Follow = Callable[[Stop], None]

log = structlog.get_logger()


@contextmanager
def beside(follow: Follow | None, stop: Stop) -> Iterator[None]:
    """
    Follow the orders in a thread while the context is open; then let them be finished.

    Args:
        follow: Returns when it is told to stop, or raises; None: there are no orders.
        stop: Of all that is followed.
    """
    if follow is None:
        yield
        return
    its = Round(stop)
    thread = threading.Thread(
        target=keep_following, args=[follow, its], name="orders", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        its.end()
        thread.join(PARTING_S)


def keep_following(follow: Follow, stop: Stop, retry_s: float = RETRY_S) -> None:
    """
    Follow until told to stop, and begin anew whatever ends it sooner.
    """
    with of_orders():
        while not stop.is_set():
            _follow_once(follow, stop)
            stop.wait(retry_s)


@contextmanager
def of_orders() -> Iterator[None]:
    """
    Let every line that this thread logs while the context is open say that it is of the
    orders.
    """
    with structlog.contextvars.bound_contextvars(followed="orders"):
        yield


def _follow_once(follow: Follow, stop: Stop) -> None:
    try:
        follow(stop)
    except (Refused, StoreTooNew) as error:
        log.error("orders.refused", error=str(error), remedy=error.remedy)
    except (ListenerError, RecommenderError, OSError) as error:
        log.error("orders.failed", error=str(error))
    except Exception:
        log.exception("orders.crashed")
