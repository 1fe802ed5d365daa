"""
What the served model answers when the list is to be less alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from benchmarks.quality.nearest import Ranker
from listener.evaluate.asking import LIMIT, NOTHING, Answers
from listener.evaluate.catalogue import Catalogue, Places
from recommender.filters import Filters
from recommender.ranking import Choice, choose


DIVERSITIES: Final = (0.3, 0.5, 0.7)
ONE_PER: Final = "brand"  # no public catalogue has families of variants


def less_alike(catalogue: Catalogue) -> Iterator[tuple[str, Ranker]]:
    """
    Yield the ways in which a list can be asked to be less alike, by name.
    """
    for diversity in DIVERSITIES:
        choice = Choice(LIMIT, diversity=diversity)
        yield f"diversity={diversity:g}", by_choice(catalogue, choice)
    yield f"one_per={ONE_PER}", by_choice(catalogue, Choice(LIMIT, one_per=ONE_PER))


def by_choice(catalogue: Catalogue, choice: Choice) -> Ranker:
    """
    Return what answers with the products that *choice* takes.
    """

    def rank(asked: Places) -> Answers:
        found: Places = np.full((len(asked), LIMIT), NOTHING, np.int64)
        scores = np.full((len(asked), LIMIT), np.nan)
        for question, place in enumerate(asked.tolist()):
            row = catalogue.rows[place]
            filters = Filters(exclude=frozenset({row.key}))
            query = catalogue.snapshot.query(row)
            for at, hit in enumerate(
                choose(catalogue.snapshot, query, filters, choice)
            ):
                found[question, at] = catalogue.places[hit.key]
                scores[question, at] = hit.score
        return Answers(asked, found, scores)

    return rank
