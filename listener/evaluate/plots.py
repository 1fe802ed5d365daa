"""
Plots as inline SVG.
"""

from __future__ import annotations

import math

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np

from listener.evaluate.catalogue import Numbers
from listener.evaluate.markup import element


WIDTH: Final = 360
HEIGHT: Final = 220
LEFT: Final = 56
RIGHT: Final = 12
TOP: Final = 10
BOTTOM: Final = 40
BINS: Final = 20
MOST_POINTS: Final = 200  # of a curve; more than there is room for
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
CLASSES: Final = ("first", "second")

Point = tuple[float, float]


def curves(
    title: str, lines: Sequence[Sequence[float] | Numbers], x: str, y: str
) -> Element:
    """
    Return curves of values from 0 to 1 at even steps from 0 to 1, and the diagonal.
    """
    drawn = [_line([(0, 0), (1, 1)], "guide")]
    for line, class_ in zip(lines, CLASSES, strict=False):
        places = np.linspace(0, len(line) - 1, min(len(line), MOST_POINTS)).round()
        points = [
            (place / max(1, len(line) - 1), float(line[int(place)])) for place in places
        ]
        drawn.append(_line(points, class_))
    return _frame(title, drawn, x, y, [f"{tick:g}" for tick in TICKS], 1.0)


def histograms(
    title: str, samples: Sequence[Numbers], span: tuple[float, float], x: str
) -> Element:
    """
    Return how the values of each of *samples* are spread over *span*: shares of all
    that are known; what lies outside counts at its ends.
    """
    low, high = span
    shares = [_shares(sample, low, high) for sample in samples]
    most = max((max(share) for share in shares), default=0.0) or 1.0
    drawn = [
        _line(_steps([value / most for value in share]), class_)
        for share, class_ in zip(shares, CLASSES, strict=False)
    ]
    ticks = [f"{low + tick * (high - low):.3g}" for tick in TICKS]
    return _frame(title, drawn, x, "share", ticks, most)


def _shares(sample: Numbers, low: float, high: float) -> list[float]:
    known = np.clip(sample[~np.isnan(sample)], low, high)
    counts, _ = np.histogram(known, BINS, (low, high))
    return [float(count) / max(1, len(known)) for count in counts]


def _steps(values: Sequence[float]) -> list[Point]:
    points: list[Point] = [(0.0, 0.0)]
    for place, value in enumerate(values):
        points += [(place / BINS, value), ((place + 1) / BINS, value)]
    return [*points, (1.0, 0.0)]


def _frame(  # noqa: PLR0913, PLR0917 what every plot has
    title: str,
    drawn: Sequence[Element],
    x: str,
    y: str,
    ticks: Sequence[str],
    most: float,
) -> Element:
    labels = [
        element("text", text, x=_x(at), y=_y(0) + 16, text_anchor="middle")
        for at, text in zip(TICKS, ticks, strict=True)
    ]
    labels += [
        element("text", f"{at * most:.2g}", x=LEFT - 6, y=_y(at) + 4, text_anchor="end")
        for at in TICKS
    ]
    middle = TOP + _room()[1] / 2
    return element(
        "svg",
        element("title", title),
        _line([(0, 1), (0, 0), (1, 0)], "axis"),
        *labels,
        element("text", x, x=_x(0.5), y=HEIGHT - 6, text_anchor="middle"),
        element(
            "text", y, x=10, y=middle, text_anchor="middle",
            transform=f"rotate(-90 10 {middle:g})",
        ),
        *drawn,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        role="img",
    )  # fmt: skip


def _line(points: Sequence[Point], class_: str) -> Element:
    pairs = " ".join(f"{_x(x):g},{_y(y):g}" for x, y in points if math.isfinite(x + y))
    return element("polyline", points=pairs, class_=class_)


def _room() -> tuple[float, float]:
    return WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def _x(share: float) -> float:
    return round(LEFT + share * _room()[0], 1)


def _y(share: float) -> float:
    return round(TOP + (1 - share) * _room()[1], 1)
