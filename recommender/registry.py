"""
What a process counts and measures, in the text that Prometheus reads.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)


CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


def new_registry() -> CollectorRegistry:
    """
    Return a registry of a process's own, with its memory, processor time and open
    files.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began: half as many lines again
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    return registry


def to_text(registry: CollectorRegistry) -> bytes:
    """
    Return what a scrape gets, of type `CONTENT_TYPE`.
    """
    return generate_latest(registry)
