"""
How far each figure is from what it must be, as an SVG that needs nothing else.
"""

from __future__ import annotations

import math

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.figures import Figure
from benchmarks.goals import goal_of, measured


WIDTH: Final = 860
NAMES: Final = 400
LINE: Final = 20
ABOVE: Final = 46
DECADES: Final = range(-3, 4)  # powers of ten of the must, to the left and to the right
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:13px}"
    ".grid{stroke:#ddd}.must{stroke:#b00;stroke-dasharray:3 3}.aim{stroke:#333}"
    ".met{fill:#3d8b37}.missed{fill:#c2571a}"
)

Measured = tuple[str, float, float]


def to_svg(title: str, figures: Sequence[Figure], size: int) -> str | None:
    """
    Return a bar for each figure that has a goal, to a logarithmic scale on which the
    must is 1, with the aim as a mark; None when no figure has one. What must be none
    has no such scale, and no bar.

    What is beyond three decades of the must ends at the edge.
    """
    bars = list(_measured(figures, size))
    if not bars:
        return None
    height = ABOVE + LINE * len(bars) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        'role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text class="title" x="8" y="18">{escape(title)}</text>',
        *_grid(height),
        *(part for place, bar in enumerate(bars) for part in _bar(place, *bar)),
        "</svg>",
    ]
    return "\n".join([*parts, ""])


def _measured(figures: Sequence[Figure], size: int) -> Iterator[Measured]:
    """
    Yield what each is called, and what it reached and aims at, in parts of its must.
    """
    for figure in figures:
        goal = goal_of(figure, size)
        if goal is None or not goal.must:
            continue
        value = measured(figure, goal)
        if value is not None and math.isfinite(value):
            yield figure.what, value / goal.must, goal.aim / goal.must


def _x(parts_of_must: float) -> float:
    first, last = DECADES[0], DECADES[-1]
    power = math.log10(parts_of_must) if parts_of_must > 0 else first
    share = (min(max(power, first), last) - first) / (last - first)
    return NAMES + share * (WIDTH - NAMES - 30)


def _grid(height: int) -> Iterator[str]:
    for power in DECADES:
        x, name = _x(10.0**power), "must" if not power else f"{10.0**power:g} x"
        style = "grid" if power else "must"
        yield (
            f'<line class="{style}" x1="{x:.1f}" x2="{x:.1f}" y1="{ABOVE - 4}" '
            f'y2="{height - 6}"/>'
        )
        yield f'<text x="{x:.1f}" y="{ABOVE - 10}" text-anchor="middle">{name}</text>'


def _bar(place: int, what: str, reached: float, aim: float) -> Iterator[str]:
    y = ABOVE + LINE * place
    left, right = sorted((_x(1.0), _x(reached)))
    style = "met" if reached <= 1 else "missed"
    yield (
        f'<text x="{NAMES - 10}" y="{y + 13}" text-anchor="end">{escape(what)}</text>'
    )
    yield (
        f'<rect class="{style}" x="{left:.1f}" y="{y + 3}" '
        f'width="{max(right - left, 1):.1f}" height="{LINE - 7}"/>'
    )
    yield (
        f'<line class="aim" x1="{_x(aim):.1f}" x2="{_x(aim):.1f}" y1="{y + 1}" '
        f'y2="{y + LINE - 3}"/>'
    )
