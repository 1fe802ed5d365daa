"""
What the processes can say of themselves, and what they do say.
"""

from __future__ import annotations

import re

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from listener.clock import Clock
from listener.scrape import Scrape as ListenerScrape
from listener.status import Status
from recommender.index import Counts
from server.access import Keys
from server.events import Events
from server.live import Live
from server.scrape import Scrape as ServerScrape
from tests.support.listener import at, make_batch


class Described(NamedTuple):
    """
    A metric, as its page shows it.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    what: str


def described(registry: CollectorRegistry) -> Iterator[Described]:
    """
    Yield what is in a registry.
    """
    for family in registry.collect():
        total = "_total" if family.type == "counter" else ""
        labels = dict.fromkeys(
            label for sample in family.samples for label in sample.labels
        )
        labels.pop("le", None)
        yield Described(
            family.name + total, family.type, tuple(labels), family.documentation
        )


def listener_registry(clock: Clock) -> CollectorRegistry:
    """
    Return that of a listener to which everything has happened once.
    """
    status = Status(clock)
    metrics = status.metrics
    metrics.note_batch(
        make_batch(events=Counter(insert=1)), Counts(inserted=1), at(1), 0.001
    )
    metrics.note_publication("changes", took_s=0.001, delay_s=0.002)
    metrics.note_push(0.01)
    metrics.note_rebuild("requested")
    metrics.note_loss("history_lost")
    metrics.registry.register(ListenerScrape(status))
    return metrics.registry


def server_registry(live: Live) -> CollectorRegistry:
    """
    Return that of a server to which everything has happened once.
    """
    live.metrics.note_request("/", 200, 0.001)
    events = Events(live, lambda _request, _response: None)  # nobody asks
    ServerScrape(live, events, Keys())
    return live.metrics.registry


def to_samples(text: str) -> Mapping[str, Mapping[tuple[str, ...], float]]:
    """
    Return a scrape's values: by name, then by the values of the labels.
    """
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sample.labels.values())
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def value(text: str, name: str, *labels: str) -> float:
    """
    Return one value of a scrape.
    """
    return to_samples(text)[name][labels]


def names_in(expression: str) -> set[str]:
    """
    Return the metrics that a query of Prometheus names.
    """
    return set(re.findall(r"\b(?:evershelf|process)_\w+", expression))


def expressions(node: Any) -> Iterator[str]:
    """
    Yield each query in a dashboard or a file of rules, read as JSON or YAML.
    """
    match node:
        case {"expr": str(expression), **rest}:
            yield expression
            yield from expressions(rest)
        case dict():
            yield from (e for one in node.values() for e in expressions(one))
        case list():
            yield from (e for one in node for e in expressions(one))
