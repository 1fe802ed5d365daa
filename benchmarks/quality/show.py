"""
What was found as tables for people, and as JSON for the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from benchmarks.quality.judged import Judged, Judgement
from benchmarks.quality.sales import Foretold, Invoices
from benchmarks.quality.unjudged import Described
from listener.evaluate.evaluation import ABOUT, Figure, Unit
from listener.evaluate.statistics import Comparison
from listener.evaluate.wording import to_difference, to_p, to_range, to_text


def to_tables(judgement: Judgement) -> list[Table]:
    """
    Return how right each way to recommend is, and what each change does.
    """
    judged = Table(
        title=f"reported on {judgement.reporting} products of {judgement.clusters} "
        f"clusters, tuned on {judgement.tuning} others",
        title_justify="left",
    )
    judged.add_column("what")
    for key in judgement.judged[0].figures:
        judged.add_column(ABOUT[key].title, justify="right")
    for name in ("95 %", "nDCG less ours", "95 %", "p"):
        judged.add_column(name, justify="right")
    for one in judgement.judged:
        judged.add_row(one.name, *_figures(one.figures), *_beside(one))
    tried = Table(title="nDCG on the tuning half", title_justify="left")
    for name in ("change", "difference", "95 %", "p"):
        tried.add_column(name)
    for change in judgement.tried:
        tried.add_row(change.name, *_compared(change.beside))
    return [judged, tried]


def to_table(title: str, described: Sequence[Described]) -> Table:
    """
    Return what answers are like.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for key in described[0].figures:
        table.add_column(ABOUT[key].title, justify="right")
    for one in described:
        table.add_row(one.name, *_figures(one.figures))
    return table


def to_record(judgement: Judgement) -> dict[str, Any]:
    """
    Return a judgement as JSON has it.
    """
    return {
        "tuning": judgement.tuning,
        "reporting": judgement.reporting,
        "clusters": judgement.clusters,
        "judged": [
            {
                "name": one.name,
                "figures": _to_record(one.figures.values()),
                "beside": {key: _to_values(c) for key, c in one.beside.items()},
            }
            for one in judgement.judged
        ],
        "tried": [
            {"name": one.name, **_to_values(one.beside)} for one in judgement.tried
        ],
    }


def to_sales_table(
    title: str, tuned: Mapping[float, float], foretold: Sequence[Foretold]
) -> Table:
    """
    Return how well orders are foretold.
    """
    shares = ", ".join(f"{share:g}: {value:.3f}" for share, value in tuned.items())
    table = Table(
        title=f"{title}; tuning half, by share of orders: {shares}",
        title_justify="left",
    )
    table.add_column("what")
    for key in foretold[0].figures:
        table.add_column(f"nDCG, {key}", justify="right")
        table.add_column("the blend more by, 95 %, p", justify="right")
    for one in foretold:
        cells = []
        for key, figure in one.figures.items():
            mean, ends = to_text(figure.mean, Unit.INDEX), to_range(figure, Unit.INDEX)
            cells.append(f"{mean} ({ends})")
            if key in one.beside:
                cells.append("{} ({}) {}".format(*_compared(one.beside[key])))
            else:
                cells.append("")
        table.add_row(one.name, *cells)
    return table


def to_sales_record(
    invoices: Invoices, tuned: Mapping[float, float], foretold: Sequence[Foretold]
) -> dict[str, Any]:
    """
    Return the same as JSON has it.
    """
    return {
        "learnt": invoices.learnt,
        "foretold": len(invoices.sales.later),
        "hidden": int(invoices.hidden.sum()),
        "tuned": {str(share): value for share, value in tuned.items()},
        "ways": [
            {
                "name": one.name,
                "ndcg": {key: asdict(f) for key, f in one.figures.items()},
                "blend_more_by": {
                    key: _to_values(beside) for key, beside in one.beside.items()
                },
            }
            for one in foretold
        ],
    }


def to_records(described: Iterable[Described]) -> list[dict[str, Any]]:
    """
    Return descriptions as JSON has them.
    """
    return [
        {"name": one.name, "figures": _to_record(one.figures.values())}
        for one in described
    ]


def _figures(figures: Mapping[str, Figure]) -> list[str]:
    return [to_text(one.value, ABOUT[key].unit) for key, one in figures.items()]


def _beside(one: Judged) -> list[str]:
    ndcg = one.figures["ndcg"]
    unit = ABOUT["ndcg"].unit
    known = to_range(ndcg.interval, unit)
    return [known, *(_compared(one.beside["ndcg"]) if one.beside else ("", "", ""))]


def _compared(beside: Comparison) -> tuple[str, str, str]:
    unit = ABOUT["ndcg"].unit
    difference = beside.difference
    ends = [to_difference(end, unit) for end in (difference.low, difference.high)]
    return to_difference(difference.mean, unit), " to ".join(ends), to_p(beside.p)


def _to_record(figures: Iterable[Figure]) -> dict[str, Any]:
    return {
        one.key: {
            "value": one.value,
            "low": one.interval and one.interval.low,
            "high": one.interval and one.interval.high,
        }
        for one in figures
    }


def _to_values(beside: Comparison) -> dict[str, float]:
    return {
        "difference": beside.difference.mean,
        "low": beside.difference.low,
        "high": beside.difference.high,
        "p": beside.p,
    }
