"""
Which products the model returns for which, as arrays.
"""

from __future__ import annotations

import random

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from listener.clock import Clock
from listener.evaluate.catalogue import Catalogue, Numbers, Places
from listener.progress import shown


LIMIT: Final = 10  # a page's row of products; measures are "at 10"
NOTHING: Final = -1  # the place of an answer that did not come
SEED: Final = 5002
BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Answers:
    """
    What Q products were answered with, best first.

    Attributes:
        asked: Their places, (Q,).
        found: Places of the answers, then `NOTHING`, (Q, `LIMIT`).
        scores: Of the answers, then NaN, (Q, `LIMIT`).
    """

    asked: Places
    found: Places
    scores: Numbers

    def __len__(self) -> int:
        return len(self.asked)


def ask(catalogue: Catalogue, asked: Sequence[int], clock: Clock) -> Answers:
    """
    Return what a page of each product at the places *asked* would recommend.
    """
    answers = Answers(
        np.array(asked, np.int64),
        np.full((len(asked), LIMIT), NOTHING, np.int64),
        np.full((len(asked), LIMIT), np.nan, np.float64),
    )
    batches = [
        range(i, min(i + BATCH, len(asked))) for i in range(0, len(asked), BATCH)
    ]
    for batch in shown(batches, total=len(asked), task="ask", clock=clock):
        for question in batch:
            key = catalogue.rows[asked[question]].key
            for rank, hit in enumerate(catalogue.snapshot.similar(key, limit=LIMIT)):
                answers.found[question, rank] = catalogue.places[hit.key]
                answers.scores[question, rank] = hit.score
    return answers


def sampled(count: int, most: int) -> Sequence[int]:
    """
    Return all places below *count*, or *most* of them by chance, always the same ones,
    in order.
    """
    if count <= most:
        return range(count)
    return sorted(random.Random(SEED).sample(range(count), most))  # noqa: S311
