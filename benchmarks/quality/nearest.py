"""
The best answers by scores that are computed for all products at once.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from listener.evaluate.asking import LIMIT, NOTHING, Answers
from listener.evaluate.catalogue import Numbers, Places


CHUNK = 100  # questions at once: 100 x N scores are held

Ranker = Callable[[Places], Answers]
Score = Callable[[Places], Numbers]


def blended(first: Score, second: Score, share: float) -> Score:
    """
    Return the mean of two scores, of which the second counts for *share*.
    """
    return lambda asked: (1 - share) * first(asked) + share * second(asked)


def by_score(score: Score) -> Ranker:
    """
    Return what answers with the products of the highest score above 0, but the one
    asked about; equals in order of their places.

    Args:
        score: Returns the scores of all N products for each of Q places, (Q, N).
    """

    def rank(asked: Places) -> Answers:
        chunks = [asked[i : i + CHUNK] for i in range(0, len(asked), CHUNK)]
        answers = [_best(chunk, score(chunk)) for chunk in chunks]
        return Answers(
            asked,
            np.concatenate([found for found, _ in answers]),
            np.concatenate([scores for _, scores in answers]),
        )

    return rank


def _best(asked: Places, scores: Numbers) -> tuple[Places, Numbers]:
    scores = np.array(scores, np.float64)
    scores[np.arange(len(asked)), asked] = -np.inf
    found = np.full((len(asked), LIMIT), NOTHING, np.int64)
    best = np.full((len(asked), LIMIT), np.nan)
    for question, row in enumerate(scores):
        bar = np.partition(row, -LIMIT)[-LIMIT] if len(row) > LIMIT else -np.inf
        able = np.flatnonzero((row >= bar) & (row > 0))
        order = able[np.argsort(-row[able], kind="stable")][:LIMIT]
        found[question, : len(order)] = order
        best[question, : len(order)] = row[order]
    return found, best
