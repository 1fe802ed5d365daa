"""
What each figure must reach, and what it aims at.
"""

from __future__ import annotations

import math

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.figures import Figure


KINDS: Final = ("price", "status", "text", "insert", "delete")
QUERIES: Final = ("plain", "price and stock", "category", "brand")


class Of(StrEnum):
    """
    Which number of a figure a goal is for.
    """

    RATIO = "ratio"
    OURS = "ours"
    MORE = "more"  # of ours beyond the other's


@dataclass(frozen=True, slots=True)
class Goal:
    """
    Limits for catalogues of *least* to *most* products.

    Attributes:
        must: Not to be exceeded.
        aim: What is hoped for.
        of: Which number they limit.
    """

    key: str
    must: float
    aim: float
    least: int = 0
    most: float = math.inf
    of: Of = Of.RATIO


GOALS: Final = (
    *(
        goal
        for kind in KINDS
        for goal in (
            Goal(f"freshness.{kind}.median", 4, 2, most=10_000),
            Goal(f"freshness.{kind}.median", 5, 2.5, least=10_001, most=100_000),
            Goal(f"freshness.{kind}.median", 25, 6, least=100_001),
        )
    ),
    Goal("under_load.p99", 250, 50, most=100_000, of=Of.OURS),
    Goal("bulk", 3, 1.5),
    Goal("cold_build", 1, 0.4, least=100_000),
    *(
        goal
        for query in QUERIES
        for goal in (
            Goal(f"query.{query}.median", 0.5, 0.2, least=100_000, most=999_999),
            Goal(f"query.{query}.median", 0.2, 0.05, least=1_000_000),
        )
    ),
    *(Goal(f"engine.{query}.median", 1, 0.2) for query in QUERIES),
    Goal("package.time", 1, 0.05),
    Goal("package.memory", 1, 0.05),
    Goal("updates.listener", 1.2, 1.05, least=100_000, most=999_999),
    Goal("updates.server", 1.2, 1.05, least=100_000, most=999_999),
    Goal("cost.price", 0.01, 0.001, least=10_000, most=20_000),
    Goal("cost.text", 0.01, 0.001, least=10_000, most=20_000),
    Goal("throughput.warm.processor", 1.5, 1.1),
    Goal("workers.processor", 1.1, 1),
    Goal("workers.errors", 0, 0, of=Of.OURS),
    Goal("workers.memory", 150, 60, of=Of.OURS),
    Goal("load.2.processor", 1.1, 1),
    *(Goal(f"load.{servers}.errors", 0, 0, of=Of.OURS) for servers in (1, 2)),
    Goal("exactness", 0, 0, of=Of.OURS),
    Goal("restart.server", 1, 0.3, of=Of.MORE),
    Goal("restart.listener", 5, 2, of=Of.OURS),
    Goal("recovery.outage", 2, 1, of=Of.OURS),
    Goal("recovery.hung", 30, 15, of=Of.OURS),
    Goal("recovery.listener", 3, 2, most=20_000, of=Of.OURS),
    Goal("growth.processor", 3, 1.2),
    Goal("growth.written", 3, 1.2),
    Goal("footprint.listener", 2, 1, least=1_000_000),
    Goal("footprint.worker", 150, 60, of=Of.OURS),
    Goal("footprint.disk", 1.5, 0.7, least=1_000_000),
)


def goal_of(figure: Figure, size: int, goals: Iterable[Goal] = GOALS) -> Goal | None:
    """
    Return the goal of a figure that was taken with *size* products, if it has one.
    """
    return next(
        (g for g in goals if g.key == figure.key and g.least <= size <= g.most), None
    )


def measured(figure: Figure, goal: Goal) -> float | None:
    """
    Return the number that *goal* limits.
    """
    match goal.of:
        case Of.RATIO:
            return figure.ratio
        case Of.OURS:
            return figure.ours
        case Of.MORE:
            return None if figure.beside is None else figure.ours - figure.beside
