"""
Catalogues that nobody has judged: what the answers are like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.quality.bm25 import bm25
from benchmarks.quality.chance import by_chance, by_popularity
from benchmarks.quality.diverse import by_choice, less_alike
from benchmarks.quality.material import Material
from benchmarks.quality.nearest import Score, by_score
from benchmarks.quality.plain_tfidf import lsa, tfidf
from listener.clock import Clock
from listener.evaluate.asking import LIMIT, ask
from listener.evaluate.evaluation import Figure, describe
from recommender.ranking import Choice


CASES: Final = "Cell Phone Cases & Clips"
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
    cases = np.array(
        [place for place, row in enumerate(rows) if row.categories[-1:] == (CASES,)],
        np.int64,
    )
    catalogue = material.catalogue
    plain = by_choice(catalogue, Choice(LIMIT))
    for name, ranker in (("Evershelf", plain), *less_alike(catalogue)):
        yield Described(name, describe(catalogue, ranker(cases)))


def _baselines(material: Material) -> Iterator[tuple[str, Score]]:
    texts = material.texts
    yield "scikit-learn TF-IDF", tfidf(texts)
    yield f"BM25 (bm25s), k1 {K1:g}, b {B:g}", bm25(texts, K1, B)
    yield f"LSA, {DIMENSIONS} dimensions", lsa(texts, DIMENSIONS)
    popularity = [document.get("popularity", 0) for document in material.documents]
    if any(popularity):
        yield "popularity", by_popularity(np.array(popularity, np.float64))
    yield "by chance", by_chance(len(texts))
