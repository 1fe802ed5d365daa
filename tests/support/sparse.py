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
