"""
What can be said of answers without knowing the truth: one number for each question.

NaN where a question has nothing to say, as of a product without a price.
"""

from __future__ import annotations

import itertools

from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Final

import numpy as np

from listener.evaluate.asking import NOTHING, Answers
from listener.evaluate.catalogue import Catalogue, Numbers, Places


NEAR: Final = 0.8  # of the words; such products read alike but for a colour or a size
PAIR: Final = 2

Measure = Callable[[Catalogue, Answers], Numbers]


def category_agreement(catalogue: Catalogue, answers: Answers) -> Numbers:
    """
    Return the share of answers in the innermost category of the product asked, (Q,).
    """
    return _agreement(catalogue.categories, answers)


def brand_agreement(catalogue: Catalogue, answers: Answers) -> Numbers:
    """
    Return the share of answers of the brand of the product asked, (Q,).
    """
    return _agreement(catalogue.brands, answers)


def near_duplicates(catalogue: Catalogue, answers: Answers) -> Numbers:
    """
    Return the share of answers that share `NEAR` of their words with the product
    asked, by Jaccard's measure, (Q,).
    """

    def share(asked: int, found: Sequence[int]) -> float:
        words = catalogue.words
        near = [jaccard(words[asked], words[place]) >= NEAR for place in found]
        return sum(near) / len(near) if near else np.nan

    return _each(share, answers)


def diversity(catalogue: Catalogue, answers: Answers) -> Numbers:
    """
    Return 1 less the mean similarity, Jaccard's, of the words of each two answers
    (Smyth and McClave 2001), (Q,).
    """

    def mean(_asked: int, found: Sequence[int]) -> float:
        pairs = itertools.combinations((catalogue.words[place] for place in found), 2)
        alike = [jaccard(one, other) for one, other in pairs]
        return 1.0 - sum(alike) / len(alike) if alike else np.nan

    return _each(mean, answers)


def price_distance(catalogue: Catalogue, answers: Answers) -> Numbers:
    """
    Return the mean factor between the prices of the answers and that of the product
    asked, the geometric mean of max/min, from 1 on, (Q,).
    """
    logs = _log_prices(catalogue)

    def factor(asked: int, found: Sequence[int]) -> float:
        there = _known(logs[found])
        if not len(there) or np.isnan(logs[asked]):
            return np.nan
        return float(np.exp(np.abs(there - logs[asked]).mean()))

    return _each(factor, answers)


def price_spread(catalogue: Catalogue, answers: Answers) -> Numbers:
    """
    Return by which factor the prices of the answers lie apart, the geometric standard
    deviation, from 1 on, (Q,).
    """
    logs = _log_prices(catalogue)

    def factor(_asked: int, found: Sequence[int]) -> float:
        there = _known(logs[found])
        return float(np.exp(there.std())) if len(there) >= PAIR else np.nan

    return _each(factor, answers)


def jaccard(one: Set[str], other: Set[str]) -> float:
    """
    Return how many both have, divided by how many either has; 0 of two empty sets
    (Jaccard 1901).
    """
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def _agreement(codes: Places, answers: Answers) -> Numbers:
    asked = codes[answers.asked]
    there = answers.found != NOTHING
    same = there & (codes[answers.found] == asked[:, None])
    count = there.sum(axis=1)
    known = (asked >= 0) & (count > 0)
    shares = same.sum(axis=1) / np.maximum(count, 1)
    return np.where(known, shares, np.nan)


def _each(of_one: Callable[[int, Sequence[int]], float], answers: Answers) -> Numbers:
    values = [
        of_one(int(asked), [place for place in found if place != NOTHING])
        for asked, found in zip(answers.asked, answers.found.tolist(), strict=True)
    ]
    return np.array(values, np.float64)


def _log_prices(catalogue: Catalogue) -> Numbers:
    prices = catalogue.prices
    return np.log(np.where(prices > 0, prices, np.nan))


def _known(values: Numbers) -> Numbers:
    return values[~np.isnan(values)]


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "category_agreement": category_agreement,
        "brand_agreement": brand_agreement,
        "near_duplicates": near_duplicates,
        "diversity": diversity,
        "price_distance": price_distance,
        "price_spread": price_spread,
    }
)
