"""
Where a generation is that another listener has published: a manifest, and segments by
their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from listener.errors import ListenerError
from recommender.manifest import SegmentRef


class PlaceFault(ListenerError):  # noqa: N818
    """
    Nothing can be had from there now: try again, or do without.
    """


class Gone(PlaceFault):
    """
    It is not there any more: a newer manifest names others.
    """


class Place(Protocol):
    """
    What holds it. Every method may raise PlaceFault.
    """

    @property
    def name(self) -> str:
        """
        What logs call it; without any key or password.
        """

    def read_manifest(self) -> bytes:
        """
        Return the manifest as `recommender.manifest` writes it, of no more bytes than a
        pointer may have.
        """

    def read_segment(self, ref: SegmentRef) -> Iterator[bytes]:
        """
        Yield a segment's file, piece by piece.

        Raises:
            Gone: There is no such file any more.
        """
