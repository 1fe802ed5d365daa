"""
The metrics of several workers as one text, in which each series names its worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from recommender.registry import to_text


WORKER: Final = "worker"


def merge(texts: Mapping[int, str]) -> bytes:
    """
    Return what a scrape gets.

    Args:
        texts: What each worker counts, by its number.
    """
    registry = CollectorRegistry()
    registry.register(_Workers(texts))
    return to_text(registry)


class _Workers(Collector):
    def __init__(self, texts: Mapping[int, str]) -> None:
        self._texts = texts

    def describe(self) -> Iterator[Metric]:
        """
        Yield nothing: what there is is known when it is asked for.
        """
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """
        Yield each metric, with the series of all workers.
        """
        merged: dict[str, Metric] = {}
        for number, text in sorted(self._texts.items()):
            for family in text_string_to_metric_families(text):
                known = merged.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                known.samples += [
                    sample._replace(labels={**sample.labels, WORKER: str(number)})
                    for sample in family.samples
                ]
        yield from merged.values()
