"""
A result on a terminal, and as log lines elsewhere.
"""

from __future__ import annotations

import math

from typing import Final

import structlog

from rich import box
from rich.console import Console
from rich.table import Table

from listener.evaluate.evaluation import Unit
from listener.evaluate.result import Line, Result
from listener.evaluate.tuning import Tuned
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
    table = Table(title=result.source, title_justify="left", box=box.SIMPLE)
    table.add_column("measure", no_wrap=True)
    headings = [model.name for model in result.models]
    is_pair = len(headings) > 1
    headings += ["change", "95 %", "p"] if is_pair else ["95 %"]
    for heading in headings:
        table.add_column(heading, justify="right")
    for line in result.lines():
        cells = to_cells(line)
        if is_pair:  # where each model is for itself, the report has room to say
            cells = [cells[0], cells[2], *cells[4:]]
        table.add_row(line.about.title, *cells)
    return table


def to_cells(line: Line) -> list[str]:
    """
    Return what the report has of a measure, after its name: each figure with its range,
    and of two the difference, its range and p.
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


def rounded(value: float) -> float | None:
    """
    Return a figure as log lines have it; None when it is not known.
    """
    return None if math.isnan(value) else round(value, DIGITS)


def tuned_table(tuned: Tuned) -> Table:
    """
    Return one row for each share that was tried.
    """
    table = Table(
        title=f"nDCG at 10 of the newest orders, {tuned.tuning:,} products to tune on, "
        f"{tuned.reporting:,} others to report on",
        title_justify="left",
        box=box.SIMPLE,
    )
    for heading in ("share of the orders", "to tune on", "to report on", "95 %"):
        table.add_column(heading, justify="right")
    reported = {tuned.present: tuned.before, tuned.chosen: tuned.after}
    for share, value in tuned.by_share.items():
        known = reported.get(share)
        table.add_row(
            f"{_to_role(tuned, share)} {share:g}",
            to_text(value, Unit.INDEX),
            to_text(known.mean, Unit.INDEX) if known else "",
            to_range(known, Unit.INDEX),
        )
    difference = tuned.beside.difference
    ends = (to_difference(end, Unit.INDEX) for end in (difference.low, difference.high))
    table.caption = (
        f"{to_difference(difference.mean, Unit.INDEX)} ({' to '.join(ends)}), "
        f"p {to_p(tuned.beside.p)}"
    )
    return table


def _to_role(tuned: Tuned, share: float) -> str:
    roles = {"present": tuned.present, "chosen": tuned.chosen}
    return ", ".join(role for role, its in roles.items() if its == share)


def _say(result: Result, line: Line) -> None:
    for model, figure in zip(result.models, line.figures, strict=True):
        ends = figure.interval
        log.info(
            "evaluate.measured",
            measure=figure.key,
            model=model.name,
            value=rounded(figure.value),
            low=None if ends is None else rounded(ends.low),
            high=None if ends is None else rounded(ends.high),
        )
    if line.comparison is not None:
        log.info(
            "evaluate.compared",
            measure=line.figures[0].key,
            difference=rounded(line.comparison.difference.mean),
            low=rounded(line.comparison.difference.low),
            high=rounded(line.comparison.difference.high),
            p=rounded(line.comparison.p),
        )
