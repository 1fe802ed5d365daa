"""
Building the first segment of a whole catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from recommender.product import Product
from recommender.segment import (
    Beside,
    Part,
    Segment,
    build_segment,
    merge_segments,
)
from recommender.weights import Weights


CHUNK: Final = 16_384  # rows per segment on the way; bounds what is held as objects


class Builder:
    """
    Takes products, in any order, and gives one segment.

    A product that comes twice, as when it moves during a scan, counts as it came last.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._waiting: dict[bytes, Product] = {}
        self._segments: list[Segment] = []

    def add(self, products: Iterable[Product]) -> None:
        """
        Take *products*.
        """
        for product in products:
            self._waiting[product.key] = product
            if len(self._waiting) >= CHUNK:
                self._freeze()

    def finish(self) -> Segment:
        """
        Return the segment of all that came; the builder is empty again.
        """
        self._freeze()
        segments, self._segments = self._segments, []
        return join_segments(segments)

    def _freeze(self) -> None:
        products, self._waiting = self._waiting, {}
        self._segments.append(build_segment(products.values(), self._weights))


def join_segments(segments: Sequence[Segment], beside: Beside | None = None) -> Segment:
    """
    Return one segment of all rows of *segments*; of equal keys the last one's.

    They must hold no tombstones: it is the whole catalogue.

    Args:
        beside: See `merge_segments`; a segment that is alone stays as it is.
    """
    if len(segments) == 1:
        return segments[0]
    parts = [Part(segment, np.zeros(len(segment), np.bool_)) for segment in segments]
    if _has_repeated_keys(segments):
        for i, part in enumerate(parts):
            for newer in segments[i + 1 :]:
                rows = part.segment.find_all(newer.keys, newer.hashed_keys())
                part.dead[rows] = True
    return merge_segments(parts, keep_tombstones=False, beside=beside)


def _has_repeated_keys(segments: Sequence[Segment]) -> bool:
    hashes = np.sort(np.concatenate([segment.key_hashes for segment in segments]))
    return bool((hashes[1:] == hashes[:-1]).any())
