"""
What BM25 recommends when it is asked with a whole product.
"""

from __future__ import annotations

from collections.abc import Sequence

import bm25s
import numpy as np

from benchmarks.quality.nearest import Score
from recommender.text import to_words


def bm25(texts: Sequence[str], k1: float, b: float) -> Score:
    """
    Return Lucene's BM25, each distinct word asked for once.
    """
    words = [to_words(text) for text in texts]
    model = bm25s.BM25(k1=k1, b=b, method="lucene")
    model.index(words, show_progress=False)

    def known(place: int) -> list[str]:
        return sorted(set(words[place]))

    return lambda asked: np.stack(
        [model.get_scores(known(place)) for place in asked.tolist()]
    )
