"""
Pictures of products: a sign of the shelf, in the product's colour if its name says one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote


PLAIN: Final = "#5f6b7a"  # of what belongs to no department

DYES: Final[Mapping[str, str]] = {
    "black": "#3a3f45",
    "blue": "#3e6fb0",
    "bottle green": "#2c5c46",
    "brown": "#7a5336",
    "clay": "#b0694a",
    "cognac": "#a8612f",
    "coral": "#d9705c",
    "cream": "#b79f74",
    "forest green": "#3c6b47",
    "green": "#4b8a4f",
    "grey": "#7c848c",
    "indigo": "#4a4f96",
    "midnight blue": "#2c3c66",
    "moss": "#6f7f3f",
    "natural": "#a58c68",
    "navy": "#2f4470",
    "oak": "#a9804f",
    "oatmeal": "#a8977c",
    "ochre": "#bd8a2e",
    "olive": "#777a3c",
    "rust": "#a8512f",
    "sage": "#7d9a80",
    "sand": "#b59a72",
    "slate": "#566472",
    "teal": "#2f7f84",
    "walnut": "#6f4c35",
    "white": "#96a0a6",
}

_SHAPES: Final = (
    "<circle cx='12' cy='12' r='16'/>",
    "<rect x='-3.5' y='-3.5' width='31' height='31' rx='9'/>",
    "<path d='M12-5 27 3v18L12 29-3 21V3z'/>",
    "<ellipse cx='12' cy='12' rx='17' ry='14.5'/>",
)
# What a data URI may hold as it is; the less is escaped the smaller it gets.
_PLAIN: Final = " =/:;,'()"


def to_picture(*, colour: str, shape: int, sign: str, name: str) -> str:
    """
    Return a data URI of a small SVG.

    Args:
        colour: As CSS has it, unless the name ends with another one, as in "lamp, teal".
        shape: Which one is behind the sign; any number.
        sign: An SVG path on a grid of 24; without one, the name's initials are drawn.
        name: The product's.
    """
    dyed = DYES.get(name.rpartition(", ")[2], colour)
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='-10 -10 44 44'>"
        f"<g fill='{dyed}'><path opacity='.2' d='M-10-10h44v44h-44z'/>"
        f"{_SHAPES[shape % len(_SHAPES)]}</g>"
        f"{_to_stroke(sign) if sign else _to_text(name)}</svg>"
    )
    return "data:image/svg+xml," + quote(svg, safe=_PLAIN)


def _to_stroke(sign: str) -> str:
    return (
        "<path fill='none' stroke='#fff' stroke-width='1.3' stroke-linecap='round' "
        f"stroke-linejoin='round' d='{sign}'/>"
    )


def _to_text(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()]
    initials = "".join(word[0].upper() for word in (words[:1] + words[1:][-1:]))
    return (
        "<text x='12' y='16' font-family='sans-serif' font-size='11' "
        f"text-anchor='middle' fill='#fff'>{initials}</text>"
    )
