"""
One catalogue after the other, measured.
"""

from __future__ import annotations

import math
import time

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.catalogue import generate
from benchmarks.figures import Absent, Figure
from benchmarks.measurements import MEASUREMENTS
from benchmarks.real import read_icecat
from benchmarks.shop import Documents, Effort, Place, Shop, open_shop
from benchmarks.statistics import statistics


ICECAT: Final = "icecat"
COMPARED: Final = 10_000  # the size with which growth is compared

Say = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """
    What was measured with one catalogue.

    Attributes:
        name: A number of generated products, or "icecat".
        size: Products.
        catalogue: What it is like.
        figures: All that was measured.
        took_s: Seconds of each measurement.
        failed: What went wrong, by measurement.
        absent: Why there is nothing to measure, by measurement.
        skipped: Why there are none; empty when there are.
    """

    name: str
    size: int = 0
    catalogue: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    took_s: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    skipped: str = ""


def run(
    place: Place, name: str, measurements: Sequence[str], effort: Effort, say: Say
) -> Run:
    """
    Return what *measurements* say of one catalogue.

    Args:
        name: "icecat", or how many products to generate.
    """
    try:
        documents, size = _documents(name, effort.seed)
    except FileNotFoundError as error:
        return Run(name, skipped=str(error))
    done = Run(name, size)
    with open_shop(place, f"shop_{name}", documents, size, effort) as shop:
        say(f"{name}: loading {size:,} products")
        shop.load()
        for measurement in MEASUREMENTS:
            if measurement in measurements:
                say(f"{name}: {measurement}")
                _measure(done, shop, measurement)
        shop.follow()
        done.catalogue = statistics(shop)
    return done


def _measure(done: Run, shop: Shop, measurement: str) -> None:
    started = time.monotonic()
    try:
        done.figures += MEASUREMENTS[measurement](shop)
    except Absent as error:
        done.absent[measurement] = str(error)
    except Exception as error:  # noqa: BLE001 the other figures are worth having
        done.failed[measurement] = f"{type(error).__name__}: {error}"
    done.took_s[measurement] = round(time.monotonic() - started, 1)


def _documents(name: str, seed: int) -> tuple[Documents, int]:
    if name == ICECAT:
        return read_icecat, len(list(read_icecat()))
    return lambda: generate(seed), int(name)


def growth(runs: Sequence[Run]) -> Iterator[Figure]:
    """
    Yield how one price change grows with the catalogue: at the largest generated one,
    beside the one of 10,000; without that, the smallest.
    """
    generated = sorted((r for r in runs if r.name != ICECAT), key=lambda r: r.size)
    costs = [(r, f) for r in generated for f in r.figures if f.key == "cost.price"]
    if len(costs) < 2:  # noqa: PLR2004 two ends
        return
    large, most = costs.pop()
    small, least = next((c for c in costs if c[0].size >= COMPARED), costs[0])
    there = f"at {small.size:,}"
    what = f"of one price change at {large.size:,}"
    yield Figure(
        "growth.processor", f"processor time {what}", most.ours, "ms", least.ours, there
    )
    yield Figure(
        "growth.written",
        f"bytes written {what}",
        most.details.get("written_bytes", math.nan),
        "B",
        least.details.get("written_bytes", math.nan),
        there,
    )
