"""
Catalogues that nobody has judged: what the answers are like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.quality.bm25 import bm25
from benchmarks.quality.chance import by_chance, by_popularity
from benchmarks.quality.material import Material
from benchmarks.quality.nearest import Score, by_score
from benchmarks.quality.plain_tfidf import lsa, tfidf
from listener.clock import Clock
from listener.evaluate.asking import LIMIT, NOTHING, Answers, ask
from listener.evaluate.catalogue import Places
from listener.evaluate.evaluation import Figure, describe
from recommender.filters import Filters
from recommender.ranking import Choice, choose


CASES: Final = "Cell Phone Cases & Clips"
DIVERSITIES: Final = (0.0, 0.3, 0.5, 0.7)
K1: Final = 1.5
B: Final = 0.75
DIMENSIONS: Final = 200


@dataclass(frozen=True, slots=True)
class Described:
    """
    What answers are like, by measure.
    """

    name: str
    figures: Mapping[str, Figure]


def describe_all(material: Material) -> Iterator[Described]:
    """
    Yield what ours and the baselines, untuned, answer to every product.
    """
    catalogue = material.catalogue
    everything = np.arange(len(catalogue))
    ours = ask(catalogue, everything.tolist(), Clock())
    yield Described("Evershelf", describe(catalogue, ours))
    for name, score in _baselines(material):
        answers = by_score(score)(everything)
        yield Described(name, describe(catalogue, answers))


def describe_cases(material: Material) -> Iterator[Described]:
    """
    Yield what ours answers to the phone cases, many of them alike but for a colour, as
    more and more diversity is asked for.
    """
    rows = material.catalogue.rows
    cases = [place for place, row in enumerate(rows) if row.categories[-1:] == (CASES,)]
    for diversity in DIVERSITIES:
        answers = _diverse(material, cases, diversity)
        yield Described(
            f"diversity={diversity:g}", describe(material.catalogue, answers)
        )


def _baselines(material: Material) -> Iterator[tuple[str, Score]]:
    texts = material.texts
    yield "scikit-learn TF-IDF", tfidf(texts)
    yield f"BM25 (bm25s), k1 {K1:g}, b {B:g}", bm25(texts, K1, B)
    yield f"LSA, {DIMENSIONS} dimensions", lsa(texts, DIMENSIONS)
    popularity = [document.get("popularity", 0) for document in material.documents]
    if any(popularity):
        yield "popularity", by_popularity(np.array(popularity, np.float64))
    yield "by chance", by_chance(len(texts))


def _diverse(material: Material, asked: Sequence[int], diversity: float) -> Answers:
    catalogue = material.catalogue
    found: Places = np.full((len(asked), LIMIT), NOTHING, np.int64)
    scores = np.full((len(asked), LIMIT), np.nan)
    for question, place in enumerate(asked):
        row = catalogue.rows[place]
        hits = choose(
            catalogue.snapshot,
            catalogue.snapshot.query(row),
            Filters(exclude=frozenset({row.key})),
            Choice(LIMIT, diversity=diversity),
        )
        for rank, hit in enumerate(hits):
            found[question, rank] = catalogue.places[hit.key]
            scores[question, rank] = hit.score
    return Answers(np.array(asked, np.int64), found, scores)
