"""
What is recommended without looking at the product seen.
"""

from __future__ import annotations

import numpy as np

from benchmarks.quality.nearest import Ranker, by_score
from listener.evaluate.catalogue import Numbers, Places


SEED = 5002


def by_chance(products: int) -> Ranker:
    """
    Return what recommends any of so many products, always the same ones.
    """
    rng = np.random.default_rng(SEED)
    return by_score(lambda asked: 1.0 - rng.random((len(asked), products)))


def by_popularity(popularity: Numbers) -> Ranker:
    """
    Return what recommends the most popular products to everybody.

    Args:
        popularity: Of each product, (N,).
    """

    def score(asked: Places) -> Numbers:
        return np.tile(popularity, (len(asked), 1))

    return by_score(score)
