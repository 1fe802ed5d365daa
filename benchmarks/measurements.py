"""
All measurements, in the order in which they suit one shop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from benchmarks import (
    bulk,
    cold_build,
    cost,
    engine,
    exactness,
    footprint,
    freshness,
    load,
    package,
    query,
    recovery,
    restart,
    stages,
    throughput,
    under_load,
    updates,
    workers,
)
from benchmarks.figures import Figure
from benchmarks.shop import Shop


Measure = Callable[[Shop], Iterator[Figure]]

MEASUREMENTS: Final[Mapping[str, Measure]] = {
    "cold_build": cold_build.measure,
    "footprint": footprint.measure,
    "query": query.measure,
    "engine": engine.measure,
    "package": package.measure,
    "freshness": freshness.measure,
    "under_load": under_load.measure,
    "throughput": throughput.measure,
    "load": load.measure,
    "workers": workers.measure,
    "cost": cost.measure,
    "stages": stages.measure,
    "restart": restart.measure,
    "recovery": recovery.measure,
    "updates": updates.measure,
    "bulk": bulk.measure,
    "exactness": exactness.measure,
}
