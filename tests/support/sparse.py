"""
Sparse matrices as the kernels take them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numpy.typing import NDArray


def to_sparse(
    dense: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[Any]]:
    """
    Return a dense matrix as indptr, columns and values.
    """
    rows, columns = np.nonzero(dense)
    indptr = np.searchsorted(rows, np.arange(len(dense) + 1)).astype(np.int64)
    return indptr, columns.astype(np.int32), dense[rows, columns]


def to_weights(
    dense: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint16]]:
    """
    Return a dense matrix as indptr, columns and the bits of half-precision values.
    """
    indptr, columns, values = to_sparse(dense)
    return indptr, columns, values.astype(np.float16).view(np.uint16)
