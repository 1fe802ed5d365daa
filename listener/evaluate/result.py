"""
What an evaluation has come to, of one model or of two.
"""

from __future__ import annotations

import math

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listener.evaluate.evaluation import (
    ABOUT,
    About,
    Evaluation,
    Figure,
    compare_figures,
)
from listener.evaluate.statistics import Comparison


@dataclass(frozen=True, slots=True)
class Model:
    """
    A model and its name.
    """

    name: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Line:
    """
    One measure of each model.

    Attributes:
        figures: In the order of the models.
        comparison: The second with the first, if that can be said.
    """

    about: About
    figures: tuple[Figure, ...]
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Result:
    """
    What was found.

    Attributes:
        source: What the products were read from.
        models: One, or two to compare.
        judged: How many products the truth tells of; 0 without one.
    """

    source: str
    models: tuple[Model, ...]
    judged: int

    def lines(self) -> Iterator[Line]:
        """
        Yield each measure of which anything could be measured.
        """
        evaluations = [model.evaluation for model in self.models]
        for key in evaluations[0].figures:
            figures = tuple(evaluation.figures[key] for evaluation in evaluations)
            if not all(math.isnan(figure.value) for figure in figures):
                yield Line(ABOUT[key], figures, _compared(figures))


def _compared(figures: Sequence[Figure]) -> Comparison | None:
    first, *others = figures
    return compare_figures(first, others[0]) if others else None
