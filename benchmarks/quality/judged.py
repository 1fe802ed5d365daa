"""
Icecat, judged by people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from benchmarks.quality.bm25 import bm25
from benchmarks.quality.chance import by_chance, by_popularity
from benchmarks.quality.diverse import less_alike
from benchmarks.quality.halves import halves
from benchmarks.quality.material import Material
from benchmarks.quality.nearest import Ranker, Score, blended, by_score
from benchmarks.quality.plain_tfidf import lsa, tfidf
from benchmarks.quality.recipes import CHANGES, Recipe, score_by
from listener.clock import Clock
from listener.evaluate.asking import Answers, ask
from listener.evaluate.catalogue import Numbers, Places
from listener.evaluate.evaluation import Figure, compare_figures, relevance
from listener.evaluate.statistics import Comparison
from listener.evaluate.truth import Truth


OURS: Final = "Evershelf"
TUNED_BY: Final = "ndcg"
K1: Final = (0.5, 1.0, 1.5, 2.0)
B: Final = (0.0, 0.3, 0.75)
DIMENSIONS: Final = (100, 200, 400)
SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5)  # of a second signal
LEAST_GAIN: Final = 0.002  # of nDCG on the tuning half; less is not worth a rule

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """
    How right one way to recommend is.

    Attributes:
        name: With what was chosen on the tuning half.
        figures: On the reporting half, by key.
        beside: How much more that is than ours, by key; empty of ours.
    """

    name: str
    figures: Mapping[str, Figure]
    beside: Mapping[str, Comparison]


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What one change of the model does to nDCG on the tuning half.
    """

    name: str
    beside: Comparison


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    All of it.

    Attributes:
        tuning: How many products there are to tune on.
        reporting: How many the figures are of.
        clusters: Of those, how many are independent.
        tried: Changes one by one.
    """

    tuning: int
    reporting: int
    clusters: int
    judged: tuple[Judged, ...]
    tried: tuple[Tried, ...]


class Judge:
    """
    Asks the same products of every way to recommend.
    """

    def __init__(
        self,
        material: Material,
        truth: Truth,
        say: Say,
        sentences: Score | None = None,
    ) -> None:
        self._material = material
        self._truth = truth
        self._say = say
        self._sentences = sentences
        self._tuning, self._reporting = halves(truth)
        self._ours = self._figures(self._served, self._reporting)

    def run(self) -> Judgement:
        """
        Return how right ours is, the baselines are, and ours would be with changes.
        """
        tried, (name, score) = self._try_changes()
        judged = [Judged(OURS, self._ours, {})]
        judged += [
            self._compared(f"{OURS}, {name}", ranker)
            for name, ranker in less_alike(self._material.catalogue)
        ]
        judged += [self._judged(*baseline) for baseline in self._baselines()]
        judged.append(self._judged(name, score))
        judged += [
            self._judged(*self._tuned(_blends(name, score, second, other)))
            for second, other in self._second_signals()
        ]
        clusters = self._truth.clusters_of(self._reporting)
        return Judgement(
            len(self._tuning),
            len(self._reporting),
            len(np.unique(clusters)),
            tuple(judged),
            tuple(tried),
        )

    def _served(self, asked: Places) -> Answers:
        return ask(self._material.catalogue, asked.tolist(), Clock())

    def _figures(self, ranker: Ranker, asked: Places) -> Mapping[str, Figure]:
        return {f.key: f for f in relevance(ranker(asked), self._truth)}

    def _judged(self, name: str, score: Score) -> Judged:
        return self._compared(name, by_score(score))

    def _compared(self, name: str, ranker: Ranker) -> Judged:
        self._say(f"reporting on {name}")
        figures = self._figures(ranker, self._reporting)
        beside = {
            key: compare_figures(self._ours[key], f) for key, f in figures.items()
        }
        known = {key: one for key, one in beside.items() if one is not None}
        return Judged(name, figures, known)

    def _baselines(self) -> Iterator[tuple[str, Score]]:
        read = {"": self._material.prose, " of attributes, too": self._material.texts}
        yield self._tuned(
            {
                f"scikit-learn TF-IDF{what}": partial(tfidf, texts)
                for what, texts in read.items()
            }
        )
        yield self._tuned(
            {
                f"BM25 (bm25s){what}, k1 {k1:g}, b {b:g}": partial(bm25, texts, k1, b)
                for what, texts in read.items()
                for k1 in K1
                for b in B
            }
        )
        yield self._tuned(
            {
                f"LSA{what}, {size} dimensions": partial(lsa, texts, size)
                for what, texts in read.items()
                for size in DIMENSIONS
            }
        )
        if self._sentences is not None:
            yield "all-MiniLM-L6-v2", self._sentences
        yield "popularity", by_popularity(self._popularity())
        yield "by chance", by_chance(len(self._material.products))

    def _second_signals(self) -> Iterator[tuple[str, Score]]:
        yield "LSA", lsa(self._material.prose, DIMENSIONS[-1])
        if self._sentences is not None:
            yield "MiniLM", self._sentences

    def _tuned(self, made: Mapping[str, Callable[[], Score]]) -> tuple[str, Score]:
        """
        Return the one that is best on the tuning half.
        """
        best: tuple[float, str, Score] | None = None
        for name, make in made.items():
            score = make()
            value = self._figures(by_score(score), self._tuning)[TUNED_BY].value
            self._say(f"{name}: {value:.4f} on the tuning half")
            if best is None or value > best[0]:
                best = value, name, score
        assert best is not None  # noqa: S101 there is one at least
        return best[1:]

    def _popularity(self) -> Numbers:
        """
        Return how many are like each product of the tuning half: no more is known.
        """
        popularity = np.zeros(len(self._material.catalogue))
        popularity[self._tuning] = self._truth.known(self._tuning)
        return popularity

    def _try_changes(self) -> tuple[list[Tried], tuple[str, Score]]:
        """
        Return what each change does alone, and the best of them together: from the one
        that gains most on, each that gains more on the tuning half.
        """
        served = Recipe()
        first = self._tune(served)
        tried: list[tuple[float, Tried]] = []
        for name, change in CHANGES.items():
            figure = self._tune(served.changed(change))
            beside = compare_figures(first, figure)
            assert beside is not None  # noqa: S101 they are of the same questions
            self._say(f"{name}: {beside.difference.mean:+.4f} on the tuning half")
            tried.append((figure.value, Tried(name, beside)))
        tried.sort(key=lambda one: -one[0])
        kept: list[str] = []
        recipe, value = served, first.value
        for alone, one in tried:
            if alone < first.value + LEAST_GAIN:
                break
            more = recipe.changed(CHANGES[one.name])
            together = self._tune(more).value
            if together >= value + LEAST_GAIN:
                kept.append(one.name)
                recipe, value = more, together
        name = f"{OURS} with {', '.join(kept) or 'no change'}"
        return [one for _, one in tried], (name, score_by(recipe, self._material))

    def _tune(self, recipe: Recipe) -> Figure:
        score = score_by(recipe, self._material)
        return self._figures(by_score(score), self._tuning)[TUNED_BY]


def _blends(
    name: str, score: Score, second: str, other: Score
) -> Mapping[str, Callable[[], Score]]:
    return {
        f"{name}; {second}, for {share:g} of the score": partial(
            blended, score, other, share
        )
        for share in SHARES
    }
