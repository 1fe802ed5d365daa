"""
Lines over time, or over anything, as an SVG that needs nothing else.
"""

from __future__ import annotations

import math

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape


WIDTH: Final = 860
HEIGHT: Final = 190  # of a panel's field
LEFT, RIGHT, ABOVE, BELOW = 70, 180, 34, 40
TICKS: Final = 4
COLOURS: Final = ("#1b6ca8", "#c2571a", "#3d8b37", "#7b4fa3")
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}"
    ".title{font-weight:bold;font-size:13px}"
    ".grid{stroke:#ddd}.axis{stroke:#999}.mark{stroke:#b00;stroke-dasharray:3 3}"
    ".judged{fill:#f2f6fa}polyline{fill:none;stroke-width:1.4}"
)

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """
    A field with lines of one unit, from zero up.

    Attributes:
        title: Above it.
        unit: Of what the lines show.
        lines: By name; what is not finite is a gap.
        across: What is at the bottom, with its unit.
        marks: Where dashed lines stand.
        shaded_from: Where the shaded part begins; None without one.
    """

    title: str
    unit: str
    lines: Mapping[str, Points]
    across: str
    marks: Sequence[float] = field(default_factory=tuple)
    shaded_from: float | None = None


def to_svg(panels: Sequence[Panel]) -> str:
    """
    Return the panels, one below the other.
    """
    each = ABOVE + HEIGHT + BELOW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{each * len(panels)}" role="img">',
        f"<title>{escape(', '.join(panel.title for panel in panels))}</title>",
        f"<style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for place, panel in enumerate(panels):
        parts.append(f'<g transform="translate({LEFT},{place * each + ABOVE})">')
        parts.extend(_draw(panel))
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _draw(panel: Panel) -> Iterator[str]:
    scale = _Scale.of(panel)
    width = WIDTH - LEFT - RIGHT
    yield f'<text class="title" y="-12">{escape(panel.title)}</text>'
    if panel.shaded_from is not None:
        x = scale.x(panel.shaded_from)
        yield (
            f'<rect class="judged" x="{x:.1f}" width="{width - x:.1f}" '
            f'height="{HEIGHT}"/>'
        )
    yield from _grid(panel, scale, width)
    for mark in panel.marks:
        x = scale.x(mark)
        yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y2="{HEIGHT}"/>'
    for place, (name, points) in enumerate(panel.lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        for run in _runs(points):
            drawn = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in run)
            yield f'<polyline stroke="{colour}" points="{drawn}"/>'
        yield (
            f'<text x="{width + 10}" y="{14 + 18 * place}" style="fill:{colour}">'
            f"{escape(name)}</text>"
        )


def _grid(panel: Panel, scale: _Scale, width: float) -> Iterator[str]:
    for value in _ticks(0.0, scale.highest):
        y = scale.y(value)
        yield f'<line class="grid" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield (
            f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(f'{value:,g} {panel.unit}'.rstrip())}</text>"
        )
    for value in _ticks(scale.first, scale.last):
        yield (
            f'<text x="{scale.x(value):.1f}" y="{HEIGHT + 16}" text-anchor="middle">'
            f"{value:,g}</text>"
        )
    yield f'<line class="axis" x2="{width}" y1="{HEIGHT}" y2="{HEIGHT}"/>'
    yield (f'<text x="{width + 10}" y="{HEIGHT + 16}">{escape(panel.across)}</text>')


@dataclass(frozen=True, slots=True)
class _Scale:
    """
    From values to places in a panel.
    """

    first: float
    last: float
    highest: float

    @classmethod
    def of(cls, panel: Panel) -> _Scale:
        points = [point for line in panel.lines.values() for point in line]
        xs = [x for x, _ in points] or [0.0]
        ys = [y for _, y in points if math.isfinite(y)]
        highest = max([*ys, 0.0]) * 1.05 or 1.0
        return cls(min(xs), max(*xs, min(xs) + 1e-9), highest)

    def x(self, value: float) -> float:
        share = (value - self.first) / (self.last - self.first)
        return share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT * (1 - value / self.highest)


def _ticks(first: float, last: float) -> Iterator[float]:
    """
    Yield round numbers from *first* to *last*, about `TICKS` of them.
    """
    rough = (last - first) / TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= rough)
    count = math.floor(last / step + 1e-9)
    for number in range(math.ceil(first / step - 1e-9), count + 1):
        yield number * step


def _runs(points: Points) -> Iterator[Points]:
    run: list[tuple[float, float]] = []
    for x, y in points:
        if math.isfinite(y):
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run
