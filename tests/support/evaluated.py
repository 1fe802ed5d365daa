"""
Small catalogues to evaluate, and answers as one would want them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from listener.evaluate.asking import LIMIT, NOTHING, Answers
from listener.evaluate.catalogue import Catalogue
from recommender.product import Product
from tests.support.products import WEIGHTS


def make_shop(*products: Product) -> Catalogue:
    """
    Return the model of *products*; their places are in order of their keys.
    """
    return Catalogue.train(products, WEIGHTS)


def make_answers(asked: Sequence[int], *found: Iterable[int]) -> Answers:
    """
    Return answers by their places, with scores that fall from 1.
    """
    places = np.full((len(asked), LIMIT), NOTHING, np.int64)
    scores = np.full((len(asked), LIMIT), np.nan)
    for question, answers in enumerate(found):
        for rank, place in enumerate(answers):
            places[question, rank] = place
            scores[question, rank] = 1.0 - rank / LIMIT
    return Answers(np.array(asked, np.int64), places, scores)
