"""
A result on a terminal, and as log lines elsewhere.
"""

from __future__ import annotations

import math

from typing import Final

import structlog

from rich.console import Console
from rich.table import Table

from listener.evaluate.result import Line, Result
from listener.evaluate.wording import to_difference, to_p, to_range, to_text


DIGITS: Final = 6

log = structlog.get_logger()


def show(result: Result, *, is_pretty: bool) -> None:
    """
    Show what was measured.
    """
    if is_pretty:
        Console(highlight=False).print(to_table(result))
        return
    for line in result.lines():
        _say(result, line)


def to_table(result: Result) -> Table:
    """
    Return one row for each measure.
    """
    table = Table(title=result.source, title_justify="left")
    table.add_column("measure")
    for model in result.models:
        table.add_column(model.name, justify="right")
        table.add_column("95 %", justify="right")
    if len(result.models) > 1:
        table.add_column("difference", justify="right")
        table.add_column("95 %", justify="right")
        table.add_column("p", justify="right")
    for line in result.lines():
        table.add_row(line.about.title, *to_cells(line))
    return table


def to_cells(line: Line) -> list[str]:
    """
    Return what the table has of a measure, after its name.
    """
    unit = line.about.unit
    texts = []
    for figure in line.figures:
        texts += [to_text(figure.value, unit), to_range(figure.interval, unit)]
    if len(line.figures) == 1:
        return texts
    first, second = line.figures
    if line.comparison is None:
        return [*texts, to_difference(second.value - first.value, unit), "", ""]
    difference = line.comparison.difference
    ends = (to_difference(end, unit) for end in (difference.low, difference.high))
    return [
        *texts,
        to_difference(difference.mean, unit),
        "" if math.isnan(difference.low) else " to ".join(ends),
        to_p(line.comparison.p),
    ]


def _say(result: Result, line: Line) -> None:
    for model, figure in zip(result.models, line.figures, strict=True):
        ends = figure.interval
        log.info(
            "evaluate.measured",
            measure=figure.key,
            model=model.name,
            value=_rounded(figure.value),
            low=None if ends is None else _rounded(ends.low),
            high=None if ends is None else _rounded(ends.high),
        )
    if line.comparison is not None:
        log.info(
            "evaluate.compared",
            measure=line.figures[0].key,
            difference=_rounded(line.comparison.difference.mean),
            low=_rounded(line.comparison.difference.low),
            high=_rounded(line.comparison.difference.high),
            p=_rounded(line.comparison.p),
        )


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)
