"""
Figures as a table for people, and as JSON for the record.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, assert_never

from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.goals import Goal, Of, goal_of, measured
from benchmarks.runs import Run


MACHINE: Final = ("processor", "cores", "memory_gb", "system", "python")
DIGITS: Final = 3


def to_caption(environment: Mapping[str, Any]) -> str:
    """
    Return the machine and the versions in a few lines.
    """
    machine = ", ".join(f"{name} {environment[name]}" for name in MACHINE)
    libraries = ", ".join(f"{n} {v}" for n, v in environment["libraries"].items())
    return f"{machine}\n{libraries}\nBLAS: {'; '.join(environment['blas']) or 'none'}"


def to_table(title: str, figures: Iterable[Figure], size: int) -> Table:
    """
    Return one line per figure: ours, the other, their ratio, and the goal.
    """
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for name in ("Evershelf", "beside", "ratio", "must", "aim"):
        table.add_column(name, justify="right")
    table.add_column("beside what")
    for figure in figures:
        goal = goal_of(figure, size)
        table.add_row(
            figure.what,
            _number(figure.ours, figure.unit),
            "" if figure.beside is None else _number(figure.beside, figure.unit),
            "" if figure.ratio is None else f"{_digits(figure.ratio)} x",
            "" if goal is None else _limit(goal.must, goal, figure.unit),
            "" if goal is None else _limit(goal.aim, goal, figure.unit),
            figure.beside_what,
            style=_style(figure, goal),
        )
    return table


def to_title(run: Run) -> str:
    """
    Return what a reader must know of a catalogue.
    """
    if run.skipped:
        return f"{run.name}: skipped, {run.skipped}"
    about = run.catalogue
    return (
        f"{run.name}: {about['products']:,} products, {about['visible']:,} visible; "
        f"{about['vocabulary']:,} terms, {about['terms_each']} each; "
        f"{about['near_duplicates']:.0%} near-duplicates"
    )


def to_record(
    environment: Mapping[str, Any], runs: Sequence[Run], growth: Sequence[Figure]
) -> dict[str, Any]:
    """
    Return everything as JSON has it.
    """
    return {
        "environment": environment,
        "runs": [
            {**asdict(run), "figures": [_to_record(f, run.size) for f in run.figures]}
            for run in runs
        ],
        "growth": [_to_record(f, max(run.size for run in runs)) for f in growth],
    }


def _to_record(figure: Figure, size: int) -> dict[str, Any]:
    goal = goal_of(figure, size)
    record = asdict(figure) | {"ratio": figure.ratio}
    if goal is None:
        return record
    return record | {
        "must": goal.must,
        "aim": goal.aim,
        "goal_of": goal.of.value,
        "reaches": _reaches(figure, goal),
    }


def _reaches(figure: Figure, goal: Goal) -> str:
    """
    Return "aim", "must", or "nothing"; empty when it cannot be told.
    """
    value = measured(figure, goal)
    if value is None or math.isnan(value):
        return ""
    if value <= goal.aim:
        return "aim"
    return "must" if value <= goal.must else "nothing"


def _style(figure: Figure, goal: Goal | None) -> str:
    reached = "" if goal is None else _reaches(figure, goal)
    return {"aim": "green", "must": "yellow", "nothing": "red"}.get(reached, "")


def _limit(value: float, goal: Goal, unit: str) -> str:
    match goal.of:
        case Of.RATIO:
            return f"≤ {_digits(value)} x"
        case Of.OURS:
            return f"≤ {_number(value, unit)}"
        case Of.MORE:
            return f"≤ +{_number(value, unit)}"
        case _:
            assert_never(goal.of)


def _number(value: float, unit: str) -> str:
    return f"{_digits(value)} {unit}".rstrip()


def _digits(value: float) -> str:
    """
    Return *value* with three digits, or all before the point.
    """
    if not value or math.isnan(value):
        return f"{value:g}"
    before = math.floor(math.log10(abs(value))) + 1
    return f"{value:,.{max(0, DIGITS - before)}f}"
