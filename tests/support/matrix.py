"""
A pair that something happens to: what it must have kept to when that is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Some
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from pymongo.collection import Collection

from listener.assembly import CLOCK
from listener.complaints import Complaints
from listener.mongo.tokens import to_cluster_time
from listener.opening import open_source, to_weights
from listener.verify import Report, Verification
from recommender.settings import PREFIX
from recommender.store import StoreReader
from tests.support.documents import make_settings
from tests.support.processes import Pair, Process
from tests.support.visitor import Door, Visitor, to_time
from tests.support.waiting import wait_for


Products = Collection[dict[str, Any]]

RECOVERY_S: Final = 90.0
# One line for each publication is the contract; how many there are is up to the writes.
COUNTED: Final = frozenset({"model.published", "model.loaded"})
# Of one event for one reason: what happens to a pair happens once or twice.
MOST_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Scene:
    """
    A pair from the moment on at which something is about to happen to it.

    Attributes:
        collection: What it follows.
        visitor: Asks about products that must have answers all the time.
    """

    pair: Pair
    collection: Products
    visitor: Visitor
    _listener_since: int
    _server_since: int

    def logs(self, event: str = "", **keys: Any) -> list[dict[str, Any]]:
        """
        Return what the listener has said since, of an event and with such keys only
        if asked.
        """
        return self.pair.listener.logs(event, since=self._listener_since, **keys)

    def wait_for_log(
        self, event: str, *, timeout_s: float = 60.0, **keys: Any
    ) -> dict[str, Any]:
        """
        Return the newest such line of the listener since, as soon as there is one.
        """
        return self.pair.listener.wait_for_log(
            event, timeout_s=timeout_s, since=self._listener_since, **keys
        )

    @property
    def states(self) -> list[tuple[str, str]]:
        """
        The listener's states since, each with its reason.
        """
        return [(line["state"], line["reason"]) for line in self.logs("listener.state")]

    def assert_recovered(
        self,
        *,
        gone_from: int | None = None,
        errors: Some[str] = (),
        most_lines: Mapping[str, int] | None = None,
    ) -> None:
        """
        Wait until the pair follows; fail unless the model equals the collection, the
        visitor has been content all the time, and the logs are short.

        Args:
            gone_from: The generation from which on there is nothing to answer with.
            errors: The events of level error that belong to what has happened.
            most_lines: Events of which there may be more lines.
        """
        wait_until_current(self.pair, self.collection)
        report = verify(self.pair)
        assert report.is_equal, report.differences[:5]
        assert not report.behind
        assert not report.unsettled
        self.visitor.assert_content(gone_from=gone_from)
        for process, since in (
            (self.pair.listener, self._listener_since),
            (self.pair.server, self._server_since),
        ):
            assert_orderly(process, since, errors=errors, most_lines=most_lines or {})


def wait_until_current(door: Door, collection: Products) -> None:
    """
    Wait until all that has been written is followed, and served.
    """
    hello = collection.database.client.admin.command("hello")
    now = to_cluster_time(hello["operationTime"])

    def is_current() -> bool:
        answer = door.get("/v1/model")
        assert answer.status == HTTPStatus.OK, answer
        assert not answer.json["stale"], answer
        return to_time(answer.json["cluster_time"]) >= now

    wait_for(is_current, timeout_s=RECOVERY_S, what="a current model")


@contextmanager
def observed(
    pair: Pair, collection: Products, product_ids: Sequence[str], query: str = ""
) -> Iterator[Scene]:
    """
    Yield a scene of a pair that serves; *product_ids* must have answers all the time.
    """
    listener_since, server_since = pair.listener.printed, pair.server.printed
    with Visitor(pair, product_ids, query) as visitor:
        yield Scene(pair, collection, visitor, listener_since, server_since)


def verify(pair: Pair) -> Report:
    """
    Do what `run_listener.py verify` does, in this process.
    """
    settings = make_settings(
        **{
            name.removeprefix(PREFIX).lower(): value
            for name, value in pair.environment.items()
            if name.startswith(PREFIX)
        }
    )
    complaints = Complaints(CLOCK.monotonic)
    with open_source(settings, pair.environment["MONGODB_URI"], complaints) as source:
        reader = StoreReader(settings.store_dir)
        weights = to_weights(settings)
        return Verification(source, reader, weights, CLOCK).run()


def assert_orderly(
    process: Process, since: int, *, errors: Some[str], most_lines: Mapping[str, int]
) -> None:
    """
    Fail if a process printed a traceback, an error that nobody expected, or the same
    again and again.
    """
    for text in filter(None, process.lines(since)):
        assert text.startswith("{"), process.text_since(since)[-4000:]
    lines = process.logs(since=since)
    for line in lines:
        assert line["level"] != "error" or line["event"] in errors, line
    counts = Counter(map(_to_kind, lines))
    for (event, *_), count in counts.items():
        most = most_lines.get(event, MOST_LINES)
        assert event in COUNTED or count <= most, (event, count, lines)


def _to_kind(line: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ("event", "state", "was", "reason")
    return tuple(str(line.get(key, "")) for key in keys)
