"""
Placeholder pictures of products.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote


_SHAPES: Final = (
    '<circle cx="60" cy="60" r="44"/>',
    '<path d="M60 12 108 60 60 108 12 60z"/>',
    '<path d="M60 14 102 38v44L60 106 18 82V38z"/>',
    '<rect x="20" y="20" width="80" height="80" rx="22"/>',
)
# What a data URI may hold as it is; the less is escaped the smaller it gets.
_PLAIN: Final = " =/:;,'()"


def to_picture(*, colour: str, shape: int, initials: str) -> str:
    """
    Return a data URI of a small SVG: *initials* over a shape in *colour*.
    """
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120">'
        f'<rect width="120" height="120" fill="{colour}" opacity=".18"/>'
        f'<g fill="{colour}">{_SHAPES[shape % len(_SHAPES)]}</g>'
        '<text x="60" y="71" font-family="sans-serif" font-size="32" '
        f'text-anchor="middle" fill="#fff">{initials}</text></svg>'
    )
    return "data:image/svg+xml," + quote(svg.replace('"', "'"), safe=_PLAIN)
