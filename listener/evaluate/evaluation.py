"""
All that is measured of one model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

import numpy as np

from listener.clock import Clock
from listener.evaluate.asking import LIMIT, Answers, ask
from listener.evaluate.catalogue import Catalogue, Numbers, Places
from listener.evaluate.measures import MEASURES
from listener.evaluate.popularity import (
    coverage,
    gini,
    recommended,
    share_of_few,
    unanswered,
)
from listener.evaluate.relevance import RELEVANCE
from listener.evaluate.statistics import Comparison, Interval, compare, interval
from listener.evaluate.truth import Truth


class Unit(Enum):
    """
    What a figure is.
    """

    SHARE = "share"
    FACTOR = "factor"
    INDEX = "index"  # from 0 to 1, not a share of anything


@dataclass(frozen=True, slots=True)
class About:
    """
    What a measure is called, says, and is in.
    """

    title: str
    says: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Figure:
    """
    One measure of one model.

    Attributes:
        key: Into `ABOUT`.
        value: NaN when nothing could be measured.
        interval: None for what is measured of all answers together.
        values: Of each question, with NaN; empty for what is measured of all answers
            together.
        clusters: Of the questions; None: each is its own.
    """

    key: str
    value: float
    interval: Interval | None
    values: Numbers
    clusters: Places | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    What was measured of one model.

    Attributes:
        catalogue: With the model.
        answers: To the products asked for measures that need no truth.
        counts: How often each visible product is an answer, (N,).
        figures: By key, in order.
    """

    catalogue: Catalogue
    answers: Answers
    counts: Places
    figures: Mapping[str, Figure]


def evaluate(
    catalogue: Catalogue, asked: Sequence[int], truth: Truth, clock: Clock
) -> Evaluation:
    """
    Return what answers to *asked* are like, and, of the products that *truth* knows,
    how right.
    """
    answers = ask(catalogue, asked, clock)
    figures = describe(catalogue, answers)
    if truth.asked:
        judged = relevance(ask(catalogue, truth.asked, clock), truth)
        figures |= {figure.key: figure for figure in judged}
    counts = recommended(answers, len(catalogue))
    return Evaluation(catalogue, answers, counts, figures)


def describe(catalogue: Catalogue, answers: Answers) -> dict[str, Figure]:
    """
    Return what *answers* are like, by key.
    """
    counts = recommended(answers, len(catalogue))
    figures = [
        _whole("coverage", coverage(counts)),
        _each("unanswered", unanswered(answers)),
        *(_each(key, measure(catalogue, answers)) for key, measure in MEASURES.items()),
        _whole("gini", gini(counts)),
        _whole("share_of_few", share_of_few(counts)),
    ]
    return {figure.key: figure for figure in figures}


def relevance(answers: Answers, truth: Truth) -> Iterator[Figure]:
    """
    Yield how right *answers* are, to products of which *truth* knows something.
    """
    relevant, known = truth.relevant(answers), truth.known(answers.asked)
    clusters = truth.clusters_of(answers.asked)
    for key, measure in RELEVANCE.items():
        yield _each(key, measure(relevant, known), clusters)


def compare_figures(first: Figure, second: Figure) -> Comparison | None:
    """
    Return what is better of the same questions the second time; None of what is
    measured of all answers together, or of other questions.
    """
    if first.interval is None or len(first.values) != len(second.values):
        return None
    return compare(first.values, second.values, first.clusters)


def _whole(key: str, value: float) -> Figure:
    return Figure(key, value, None, np.zeros(0))


def _each(key: str, values: Numbers, clusters: Places | None = None) -> Figure:
    found = interval(values, clusters)
    return Figure(key, found.mean, found, values, clusters)


ABOUT: Final[Mapping[str, About]] = MappingProxyType(
    {
        "coverage": About(
            "coverage",
            "products that are recommended for any of those asked about",
            Unit.SHARE,
        ),
        "unanswered": About(
            "without an answer",
            "products asked about for which nothing is recommended",
            Unit.SHARE,
        ),
        "category_agreement": About(
            "same category",
            "recommendations in the innermost category of the product seen",
            Unit.SHARE,
        ),
        "brand_agreement": About(
            "same brand", "recommendations of the brand of the product seen", Unit.SHARE
        ),
        "near_duplicates": About(
            "near-duplicates",
            "recommendations that read almost like the product seen (four words in five)",
            Unit.SHARE,
        ),
        "diversity": About(
            "diversity",
            "how little the words of two recommendations of one list have in common",
            Unit.INDEX,
        ),
        "price_distance": About(
            "price distance",
            "factor between the price of a recommendation and of the product seen",
            Unit.FACTOR,
        ),
        "price_spread": About(
            "price spread",
            "factor by which the prices of one list lie apart",
            Unit.FACTOR,
        ),
        "gini": About(
            "Gini of popularity",
            "0: all products are recommended as often; 1: one is all the time",
            Unit.INDEX,
        ),
        "share_of_few": About(
            "share of the top 1 %",
            "recommendations that are of the 1 % of products recommended most",
            Unit.SHARE,
        ),
        "hit_rate": About(
            f"hit rate at {LIMIT}", "lists with anything that is alike", Unit.SHARE
        ),
        "precision": About(
            f"precision at {LIMIT}", "recommendations that are alike", Unit.SHARE
        ),
        "recall": About(
            f"recall at {LIMIT}", "of what is alike, what is recommended", Unit.SHARE
        ),
        "mrr": About(
            f"MRR at {LIMIT}", "1/rank of the first that is alike", Unit.INDEX
        ),
        "ndcg": About(
            f"nDCG at {LIMIT}", "how near the order is to the best possible", Unit.INDEX
        ),
    }
)
