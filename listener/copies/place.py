"""
Where a generation is that another listener has published: a manifest, and segments by
their names; and what its publisher said last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from listener.errors import ListenerError
from recommender.manifest import Manifest, SegmentRef
from recommender.position import Position


class PlaceFault(ListenerError):  # noqa: N818
    """
    Nothing can be had from there now: try again, or do without.
    """


class Gone(PlaceFault):
    """
    It is not there any more: a newer manifest names others.
    """


class NotYet(PlaceFault):
    """
    Another listener publishes there, or is ahead: wait.
    """


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a place has, and what its publisher said of it last.

    Attributes:
        manifest: The newest generation there.
        position: What the publisher did; its generation and `as_of` are that one's.
        age_s: How long ago it said so, by the place's own clock.
    """

    manifest: Manifest
    position: Position
    age_s: float


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


class LivePlace(Place, Protocol):
    """
    One that can be followed.
    """

    def read_newest(self) -> Told | None:
        """
        Return what is there; None when nothing is yet.

        Raises:
            StoreCorrupt: The manifest is none.
            StoreTooNew: It was written by a later Evershelf.
        """

    def watching(self) -> AbstractContextManager[Callable[[], None]]:
        """
        Yield what returns when something may have moved since the last call, or since
        the context was entered; and at the latest after half a second.
        """


class Outlet(Protocol):
    """
    One that a listener publishes to. Every method may raise PlaceFault.
    """

    @property
    def name(self) -> str:
        """
        What logs call it; without any key or password.
        """

    def publish(
        self,
        manifest: Manifest,
        position: Position,
        open_segment: Callable[[str], BinaryIO],
        pulse: Callable[[], None],
    ) -> int:
        """
        Make *manifest* what followers read; return how many segments had to travel.

        Args:
            manifest: A generation whose files are at hand.
            position: What the listener does; of that generation.
            open_segment: Opens a segment's file by its name.
            pulse: Called again and again meanwhile; what it raises ends it.

        Raises:
            NotYet: Another listener publishes there, or is ahead.
            OSError: A segment's file cannot be read.
        """

    def say(self, position: Position) -> None:
        """
        Tell followers what the listener does, of the generation that it published last.

        Raises:
            NotYet: Another has published since.
        """

    def collect_garbage(self, now_s: float) -> int:
        """
        Remove what followers need no more; return how many segments.

        Args:
            now_s: The time, on the same clock at each call.
        """
