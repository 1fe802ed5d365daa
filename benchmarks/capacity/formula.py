"""
Formulas fitted to what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from numpy.typing import NDArray
from scipy.linalg import lstsq


Numbers = NDArray[np.float64]

LEAST_SIZES: Final = 2  # as many as a formula has parameters


@dataclass(frozen=True, slots=True)
class Formula:
    """
    A number as a function of N products.

    Attributes:
        shape: "linear", first + second · N, or "power", first · N^second.
        first: In the number's unit.
        second: In the number's unit for each product, or without one.
        residuals: By how much of it each measured number exceeds the formula's; all 0
            where there were no more sizes than parameters, which says nothing.
    """

    shape: str
    first: float
    second: float
    residuals: tuple[float, ...]

    def at(self, products: float) -> float:
        """
        Return the number for that many products.
        """
        return float(SHAPES[self.shape](products, self.first, self.second))

    def __str__(self) -> str:
        if self.shape == "linear":
            return f"{self.first:.3g} + {self.second:.3g} · N"
        return f"{self.first:.3g} · N^{self.second:.3f}"


def _linear(products: Any, first: float, second: float) -> Any:
    return first + second * products


def _power(products: Any, first: float, second: float) -> Any:
    return first * products**second


SHAPES: Final[dict[str, Callable[..., Any]]] = {"linear": _linear, "power": _power}


def fit(shape: str, products: Sequence[float], values: Sequence[float]) -> Formula:
    """
    Return the formula of *shape* with the least squares of relative errors.

    Raises:
        ValueError: There are fewer sizes than parameters, or values that are not above 0.
    """
    sizes, measured = np.asarray(products, float), np.asarray(values, float)
    if len(set(products)) < LEAST_SIZES:
        msg = f"{len(set(products))} sizes are too few for a formula"
        raise ValueError(msg)
    if not (measured > 0).all():
        msg = "only what is above 0 has a relative error"
        raise ValueError(msg)
    first, second = _fit_parameters(shape, sizes, measured)
    due = SHAPES[shape](sizes, first, second)
    residuals = tuple((measured / due - 1.0).tolist())
    return Formula(shape, first, second, residuals)


def _fit_parameters(
    shape: str, sizes: Numbers, measured: Numbers
) -> tuple[float, float]:
    """
    Fit in units of the largest; a power by its logarithm, which is a line, and whose
    errors are relative ones.
    """
    largest, most = sizes.max(), measured.max()
    scaled, values = sizes / largest, measured / most
    one = np.ones(len(sizes))
    if shape == "power":
        log_first, second = _solve(one, np.log(scaled), np.log(values))
        return float(np.exp(log_first) * most / largest**second), second
    first, second = _solve(one / values, scaled / values, one)
    return float(first * most), float(second * most / largest)


def _solve(constant: Numbers, slope: Numbers, values: Numbers) -> tuple[float, float]:
    """
    Return first and second so that first · constant + second · slope is nearest.
    """
    solution, *_ = lstsq(np.column_stack([constant, slope]), values)
    first, second = solution.tolist()
    return first, second
