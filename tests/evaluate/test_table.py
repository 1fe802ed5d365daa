"""
A result on a terminal, and as log lines.
"""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import structlog

from rich.console import Console

from listener.evaluate.catalogue import Catalogue
from listener.evaluate.evaluation import ABOUT, Unit, compare_figures, evaluate
from listener.evaluate.result import Model, Result
from listener.evaluate.statistics import Interval
from listener.evaluate.table import show, to_table
from listener.evaluate.truth import Truth
from listener.evaluate.wording import to_difference, to_p, to_range, to_text
from recommender.weights import Weights
from tests.support.clock import FakeClock
from tests.support.products import WEIGHTS, make_catalogue


@pytest.fixture(name="result", scope="module")
def _result():
    truth = Truth.of([range(9), range(9, 20)])
    models = []
    for name, weights in (("one", WEIGHTS), ("two", Weights({"brand": 1.0}))):
        shop = Catalogue.train(make_catalogue(60), weights)
        found = evaluate(shop, range(len(shop)), truth, FakeClock())
        models.append(Model(name, found))
    return Result("a shop", tuple(models), len(truth.asked))


def test_table_has_a_row_for_each_measure(result):
    """
    Both models stand beside each other, with their difference, on a usual terminal.
    """
    out = io.StringIO()
    Console(file=out, width=80).print(to_table(result))

    assert all(about.title in out.getvalue() for about in ABOUT.values())
    assert "…" not in out.getvalue()
    assert to_table(result).row_count == len(ABOUT)
    assert [str(column.header) for column in to_table(result).columns] == [
        "measure", "one", "two", "change", "95 %", "p",
    ]  # fmt: skip


def test_log_lines_have_the_same(result):
    """
    Without a terminal each figure and each comparison is a line.
    """
    with structlog.testing.capture_logs() as logs:
        show(result, is_pretty=False)

    measured = [line for line in logs if line["event"] == "evaluate.measured"]
    compared = [line for line in logs if line["event"] == "evaluate.compared"]
    assert [line["model"] for line in measured] == ["one", "two"] * len(ABOUT)
    assert {line["measure"] for line in compared} == ABOUT.keys() - {
        "coverage", "gini", "share_of_few",
    }  # fmt: skip
    first = result.models[0].evaluation.figures["ndcg"]
    assert {
        "event": "evaluate.measured",
        "log_level": "info",
        "measure": "ndcg",
        "model": "one",
        "value": round(first.value, 6),
        "low": round(first.interval.low, 6),
        "high": round(first.interval.high, 6),
    } in logs


def test_what_nothing_could_be_measured_of_is_left_out():
    """
    A catalogue without prices has no line about them.
    """
    shop = Catalogue.train(make_catalogue(1), WEIGHTS)
    found = evaluate(shop, range(len(shop)), Truth.of([]), FakeClock())
    lines = list(Result("a shop", (Model("one", found),), 0).lines())

    assert {line.figures[0].key for line in lines} == {"coverage", "unanswered"}


def test_other_questions_are_not_compared(result):
    """
    Figures of different questions have no pairs.
    """
    ndcg = result.models[0].evaluation.figures["ndcg"]
    short = type(ndcg)("ndcg", 0.5, ndcg.interval, np.array([0.5]), np.array([0]))

    assert compare_figures(ndcg, short) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (to_text(0.1234, Unit.SHARE), "12.3 %"),
        (to_text(1.417, Unit.FACTOR), "1.42 x"),
        (to_text(0.6054, Unit.INDEX), "0.605"),
        (to_text(math.nan, Unit.SHARE), "-"),
        (to_range(Interval(0.5, 0.25, 0.75), Unit.SHARE), "25.0 to 75.0 %"),
        (to_range(Interval(0.5, math.nan, math.nan), Unit.SHARE), ""),
        (to_range(None, Unit.SHARE), ""),
        (to_difference(0.012, Unit.SHARE), "+1.2"),
        (to_difference(-0.5, Unit.FACTOR), "-0.50"),
        (to_difference(0.0123, Unit.INDEX), "+0.012"),
        (to_difference(math.nan, Unit.INDEX), "-"),
        (to_p(0.5), "0.5000"),
        (to_p(0.0005), "≤ 0.0005"),
        (to_p(math.nan), ""),
    ],
)
def test_words(said, expected):
    """
    Figures have so many digits as they are worth.
    """
    assert said == expected
