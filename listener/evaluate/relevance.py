"""
Measures of answers whose truth is known: one number for each question.

Each takes whether each of `LIMIT` answers is relevant, (Q, LIMIT), and how many
relevant products there are, at least 1, (Q,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from numpy.typing import NDArray

from listener.evaluate.catalogue import Numbers, Places


Relevant = NDArray[np.bool_]
Relevance = Callable[[Relevant, Places], Numbers]


def hit_rate(relevant: Relevant, _known: Places) -> Numbers:
    """
    Return 1 where any answer is relevant, else 0.
    """
    return np.asarray(relevant.any(axis=1), np.float64)


def precision(relevant: Relevant, _known: Places) -> Numbers:
    """
    Return the relevant share of the answers; what did not come is not relevant.
    """
    return np.asarray(relevant.mean(axis=1))


def recall(relevant: Relevant, known: Places) -> Numbers:
    """
    Return the share of the relevant products that are among the answers.
    """
    return np.asarray(relevant.sum(axis=1) / known)


def reciprocal_rank(relevant: Relevant, _known: Places) -> Numbers:
    """
    Return 1/rank of the first relevant answer, 0 without one.
    """
    first = 1.0 / (1 + relevant.argmax(axis=1))
    return np.where(relevant.any(axis=1), first, 0.0)


def ndcg(relevant: Relevant, known: Places) -> Numbers:
    """
    Return Σ rel/log2(1 + rank), divided by that of the best possible answers (Järvelin
    and Kekäläinen 2002).
    """
    discounts = 1.0 / np.log2(np.arange(2, relevant.shape[1] + 2))
    best = np.cumsum(discounts)[np.minimum(known, relevant.shape[1]) - 1]
    return np.asarray((relevant @ discounts) / best)


RELEVANCE: Final[Mapping[str, Relevance]] = MappingProxyType(
    {
        "hit_rate": hit_rate,
        "precision": precision,
        "recall": recall,
        "mrr": reciprocal_rank,
        "ndcg": ndcg,
    }
)
