"""
Many byte strings as two arrays.
"""

from __future__ import annotations

import itertools

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from recommender import kernels


@dataclass(frozen=True, slots=True, eq=False)
class Blob:
    """
    A frozen sequence of byte strings.

    Attributes:
        data: All bytes, one string after the other; uint8.
        offsets: Where string i begins, and where the last one ends; int64, n + 1.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Sequence[bytes]) -> Blob:
        """
        Return a blob of *strings*, in order.
        """
        offsets = np.zeros(len(strings) + 1, np.int64)
        lengths = np.fromiter(map(len, strings), np.int64, len(strings))
        np.cumsum(lengths, out=offsets[1:])
        return cls(np.frombuffer(b"".join(strings), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, i: int | np.integer) -> bytes:
        return self.data[self.offsets[i] : self.offsets[i + 1]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        whole = self.data.tobytes()
        ends = self.offsets.tolist()
        return (whole[a:b] for a, b in itertools.pairwise(ends))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """
        Bytes of each.
        """
        return np.diff(self.offsets)

    def take(self, rows: NDArray[np.int64]) -> Blob:
        """
        Return a blob of the strings at *rows*, in that order.
        """
        offsets = _offsets(self.offsets[rows + 1] - self.offsets[rows])
        data = np.empty(offsets[-1], np.uint8)
        kernels.copy_runs(self.data, self.offsets, rows, offsets, data)
        return Blob(data, offsets)


EMPTY = Blob.of(())


@dataclass(frozen=True, slots=True)
class Share:
    """
    What a blob gives to a sequence.

    Attributes:
        blob: Where they are.
        rows: Which of its strings, (S,).
        places: Where each comes to be, rising, (S,).
    """

    blob: Blob
    rows: NDArray[np.int64]
    places: NDArray[np.int64]


class Gathered:
    """
    A sequence of byte strings from several blobs, none of which is copied before it is
    taken.

    Attributes:
        lengths: Bytes of each.
    """

    def __init__(self, shares: Sequence[Share]) -> None:
        """
        Args:
            shares: Together they fill every place once.
        """
        self._shares = shares
        self.lengths = np.zeros(sum(len(share.rows) for share in shares), np.int64)
        for share in shares:
            self.lengths[share.places] = share.blob.lengths[share.rows]

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, places: NDArray[np.int64]) -> Blob:
        """
        Return a blob of the strings at *places*, which must rise.
        """
        offsets = _offsets(self.lengths[places])
        data = np.empty(offsets[-1], np.uint8)
        if len(places):
            for share in self._shares:
                _copy(share, places, offsets, data)
        return Blob(data, offsets)


def _copy(
    share: Share,
    places: NDArray[np.int64],
    offsets: NDArray[np.int64],
    data: NDArray[np.uint8],
) -> None:
    """
    Copy those strings of *share* that are among *places*.
    """
    low, high = np.searchsorted(share.places, (places[0], places[-1] + 1))
    at = np.searchsorted(places, share.places[low:high])
    here = places[at] == share.places[low:high]
    blob, rows = share.blob, share.rows[low:high][here]
    kernels.copy_runs(blob.data, blob.offsets, rows, offsets[at[here]], data)


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def concatenate(blobs: Sequence[Blob]) -> Blob:
    """
    Return one blob of all strings of *blobs*, in order.
    """
    if not blobs:
        return EMPTY
    starts = np.cumsum([0, *(len(blob.data) for blob in blobs)])
    offsets = [
        blob.offsets[:-1] - blob.offsets[0] + start
        for blob, start in zip(blobs, starts, strict=False)
    ]
    return Blob(
        np.concatenate([blob.data for blob in blobs]),
        np.concatenate([*offsets, starts[-1:]]).astype(np.int64),
    )
