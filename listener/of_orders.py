"""
What the listener's metrics are of the orders, under names of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector


OURS: Final = "evershelf_listener_"
THEIRS: Final = "evershelf_orders_"


class OfOrders(Collector):
    """
    Reads the registry of what follows the orders.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """
        Yield each of its metrics but those of the process, which are the listener's.
        """
        for family in self._registry.collect():
            if family.name.startswith(OURS):
                yield _renamed(family)


def _renamed(family: Metric) -> Metric:
    named = Metric(_to_name(family.name), family.documentation, family.type)
    named.samples = [
        sample._replace(name=_to_name(sample.name)) for sample in family.samples
    ]
    return named


def _to_name(name: str) -> str:
    return THEIRS + name.removeprefix(OURS)
