"""
What was measured and the formulas of it, for people and for the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.table import Table

from benchmarks.capacity.formula import LEAST_SIZES, Formula, fit
from benchmarks.capacity.measured import Capacity, Quantity


# What grows in proportion; all else by some power.
LINEAR: Final = (
    "build.total",
    "build.peak",
    "disk",
    "memory",
    "memory.model",
    "open",
)
POWER: Final = ("terms", "query.", "change.applying", "change.writing", "change.der")

Formulas = dict[Quantity, Formula]


def formulas(capacities: Sequence[Capacity]) -> Formulas:
    """
    Return the formula of each quantity that has one; none of fewer than two sizes.
    """
    if len(capacities) < LEAST_SIZES:
        return {}
    sizes = [float(one.products) for one in capacities]
    found = {}
    for quantity in capacities[0].numbers():
        shape = shape_of(quantity.name)
        values = [one.numbers()[quantity] for one in capacities]
        if shape and all(value > 0 for value in values):
            found[quantity] = fit(shape, sizes, values)
    return found


def shape_of(name: str) -> str:
    """
    Return how a quantity grows; empty when it should not.
    """
    if name in LINEAR:
        return "linear"
    return "power" if name.startswith(POWER) else ""


def to_table(capacities: Sequence[Capacity], found: Formulas) -> Table:
    """
    Return a line for each quantity, a column for each size, and the formula.
    """
    table = Table(title="capacity of one machine", title_justify="left")
    table.add_column("what")
    table.add_column("unit")
    for one in capacities:
        table.add_column(f"{one.products:,}", justify="right")
    table.add_column("by N products")
    table.add_column("off by at most", justify="right")
    numbers = [one.numbers() for one in capacities]
    for quantity in numbers[0] if numbers else ():
        formula = found.get(quantity)
        table.add_row(
            quantity.what,
            quantity.unit,
            *(f"{measured[quantity]:,.4g}" for measured in numbers),
            "" if formula is None else str(formula),
            "" if formula is None else _worst(formula),
        )
    return table


def _worst(formula: Formula) -> str:
    if len(formula.residuals) == LEAST_SIZES:
        return "not known"
    return f"{max(map(abs, formula.residuals)):.1%}"


def to_record(
    environment: Mapping[str, Any],
    capacities: Sequence[Capacity],
    failed: Mapping[int, str],
    found: Formulas,
) -> dict[str, Any]:
    """
    Return everything as JSON has it.
    """
    return {
        "environment": environment,
        "capacities": [
            {
                **asdict(one),
                "numbers": {q.name: value for q, value in one.numbers().items()},
            }
            for one in capacities
        ],
        "failed": {str(size): fault for size, fault in failed.items()},
        "formulas": {
            quantity.name: {**asdict(formula), "unit": quantity.unit}
            for quantity, formula in found.items()
        },
    }
