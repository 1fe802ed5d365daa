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

    def take(self, rows: NDArray[np.int64]) -> Blob:
        """
        Return a blob of the strings at *rows*, in that order.
        """
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(self.offsets[rows + 1] - self.offsets[rows], out=offsets[1:])
        data = np.empty(offsets[-1], np.uint8)
        kernels.copy_runs(self.data, self.offsets, rows, offsets, data)
        return Blob(data, offsets)


EMPTY = Blob.of(())


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
