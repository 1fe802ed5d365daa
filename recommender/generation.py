"""
What passes from the writer to the readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from recommender.manifest import Manifest
from recommender.segment import Segment


@dataclass(frozen=True, slots=True)
class Generation:
    """
    A manifest with the segments that it names, oldest first.
    """

    manifest: Manifest
    segments: tuple[Segment, ...]
