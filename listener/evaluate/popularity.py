"""
How the answers to many questions spread over the catalogue.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from listener.evaluate.asking import NOTHING, Answers
from listener.evaluate.catalogue import Numbers, Places


FEW: Final = 0.01  # of the products: those that are recommended most


def recommended(answers: Answers, products: int) -> Places:
    """
    Return how often each of so many products is an answer, (products,).
    """
    found = answers.found[answers.found != NOTHING]
    return np.bincount(found, minlength=products).astype(np.int64)


def coverage(counts: Places) -> float:
    """
    Return the share of products that are an answer at least once.
    """
    return float(np.mean(counts > 0)) if len(counts) else np.nan


def unanswered(answers: Answers) -> Numbers:
    """
    Return 1 for each question without any answer, else 0, (Q,).
    """
    return np.asarray(answers.found[:, 0] == NOTHING, np.float64)


def gini(counts: Places) -> float:
    """
    Return Gini's coefficient: 0 when all products are recommended as often, towards 1
    when one is all the time. G = Σ_i (2i - n - 1)·x_i / (n·Σ x), x rising, i from 1.
    """
    total = counts.sum()
    if not total:
        return np.nan
    n = len(counts)
    ranks = 2.0 * np.arange(1, n + 1) - n - 1
    return float(ranks @ np.sort(counts) / (n * total))


def share_of_few(counts: Places) -> float:
    """
    Return the share of all answers that are of the `FEW` products recommended most, at
    least of one.
    """
    total = counts.sum()
    if not total:
        return np.nan
    few = max(1, round(FEW * len(counts)))
    return float(np.sort(counts)[-few:].sum() / total)


def lorenz(counts: Places) -> Numbers:
    """
    Return the share of all answers that the k products recommended least have, for k
    from 0 to all, (products + 1,) (Lorenz 1905).
    """
    sums = np.concatenate([[0], np.cumsum(np.sort(counts))])
    return sums / max(int(sums[-1]), 1)
