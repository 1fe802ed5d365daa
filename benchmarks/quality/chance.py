"""
What is recommended without looking at the product seen.
"""

from __future__ import annotations

import numpy as np

from benchmarks.quality.nearest import Score
from listener.evaluate.catalogue import Numbers, Places


SEED = 5002


def by_chance(products: int) -> Score:
    """
    Return scores of so many products that mean nothing, always the same ones.
    """
    rng = np.random.default_rng(SEED)
    return lambda asked: 1.0 - rng.random((len(asked), products))


def by_popularity(popularity: Numbers) -> Score:
    """
    Return what scores the most popular products best, whatever is asked.

    Args:
        popularity: Of each product, (N,).
    """

    def score(asked: Places) -> Numbers:
        return np.tile(popularity, (len(asked), 1))

    return score
