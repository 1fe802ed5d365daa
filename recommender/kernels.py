"""
The inner loops, compiled; `tests/recommender/test_kernels.py` holds each against
plain numpy.

All take and fill arrays, allocate little, and release the interpreter's lock.
Each is compiled once, for the types that its annotations name, so that no call ever
waits for a compiler; the code is cached beside this file, or under NUMBA_CACHE_DIR.
The cache only knows the file that a kernel stands in: kernels that call one another
stand in one.
Weights are widened by `np.float64`: to the compiler, `float` of a float32 is float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from numba import types
from numpy.typing import NDArray


# What a kernel reads, which may be a mapped file ...
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# ... and what it fills.
BytesOut = NDArray[np.uint8]
BoolsOut = NDArray[np.bool_]
IntsOut = NDArray[np.int32]
LongsOut = NDArray[np.int64]
FloatsOut = NDArray[np.float32]
DoublesOut = NDArray[np.float64]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T", bound=type[Any])
A = TypeVar("A", bound=NDArray[Any])


def read_only(array: A) -> A:
    """
    Return *array*, which nobody may write to any more.
    """
    array.flags.writeable = False
    return array


def _array(dtype: Any, *, readonly: bool) -> types.Array:
    return types.Array(dtype, 1, "C", readonly=readonly)


_TYPES: dict[str, Any] = {
    "None": types.void,
    "bool": types.boolean,
    "int": types.int64,
    "float": types.float64,
    "tuple[int, int, int]": cast("Any", types.UniTuple)(types.int64, 3),
    "np.uint64": types.uint64,
    "Bytes": _array(types.uint8, readonly=True),
    "Bools": _array(types.boolean, readonly=True),
    "Ints": _array(types.int32, readonly=True),
    "Longs": _array(types.int64, readonly=True),
    "Hashes": _array(types.uint64, readonly=True),
    "Floats": _array(types.float32, readonly=True),
    "Doubles": _array(types.float64, readonly=True),
    "BytesOut": _array(types.uint8, readonly=False),
    "BoolsOut": _array(types.boolean, readonly=False),
    "IntsOut": _array(types.int32, readonly=False),
    "LongsOut": _array(types.int64, readonly=False),
    "FloatsOut": _array(types.float32, readonly=False),
    "DoublesOut": _array(types.float64, readonly=False),
}


def kernel(function: F) -> F:
    """
    Compile *function* for the types of its annotations.
    """
    named = dict(function.__annotations__)
    result = _TYPES[named.pop("return")]
    signature = result(*(_TYPES[name] for name in named.values()))
    return cast("F", numba.njit(signature, cache=True, nogil=True)(function))


def argument(tuple_class: T) -> T:
    """
    Let kernels take the named tuple; its arrays must be read-only.
    """
    names = [
        getattr(a, "__forward_arg__", a) for a in tuple_class.__annotations__.values()
    ]
    members = [_TYPES[str(name)] for name in names]
    _TYPES[tuple_class.__name__] = cast("Any", types.NamedTuple)(members, tuple_class)
    return tuple_class


@kernel
def copy_runs(
    source: Bytes, begins: Longs, rows: Longs, offsets: Longs, target: BytesOut
) -> None:
    """
    Copy the byte strings at *rows* of a blob behind one another.
    """
    for i in range(len(rows)):
        begin = begins[rows[i]]
        to = offsets[i]
        for j in range(offsets[i + 1] - to):
            target[to + j] = source[begin + j]


@kernel
def gather_rows(
    indptr: Longs, terms: Ints, tf: Floats, rows: Longs, renamed: Ints,
    to_indptr: Longs, to_terms: IntsOut, to_tf: FloatsOut, to_rows: Longs,
) -> None:  # fmt: skip
    """
    Copy sparse rows into place, terms renamed by a rising map.
    """
    for i in range(len(rows)):
        begin = indptr[rows[i]]
        to = to_indptr[to_rows[i]]
        for j in range(indptr[rows[i] + 1] - begin):
            to_terms[to + j] = renamed[terms[begin + j]]
            to_tf[to + j] = tf[begin + j]


@kernel
def mark_terms(indptr: Longs, terms: Ints, rows: Longs, used: BoolsOut) -> None:
    """
    Mark every term that *rows* hold.
    """
    for i in range(len(rows)):
        for j in range(indptr[rows[i]], indptr[rows[i] + 1]):
            used[terms[j]] = True


@kernel
def gather_codes(
    indptr: Longs, codes: Ints, rows: Longs, renamed: Ints,
    to_indptr: Longs, to_codes: IntsOut, to_rows: Longs,
) -> None:  # fmt: skip
    """
    Copy lists of codes into place, codes renamed.
    """
    for i in range(len(rows)):
        begin = indptr[rows[i]]
        to = to_indptr[to_rows[i]]
        for j in range(indptr[rows[i] + 1] - begin):
            to_codes[to + j] = renamed[codes[begin + j]]


@kernel
def count_terms(terms: Ints, counts: LongsOut) -> None:
    """
    Add to *counts* how often each term occurs.
    """
    for j in range(len(terms)):
        counts[terms[j]] += 1


@kernel
def uncount_terms(indptr: Longs, terms: Ints, rows: Ints, counts: IntsOut) -> None:
    """
    Subtract from *counts* how often each term occurs in *rows*.
    """
    for i in range(len(rows)):
        for j in range(indptr[rows[i]], indptr[rows[i] + 1]):
            counts[terms[j]] -= 1


@kernel
def invert(
    indptr: Longs, terms: Ints, tf: Floats, cursor: LongsOut,
    post_rows: IntsOut, post_tf: FloatsOut,
) -> None:  # fmt: skip
    """
    Fill postings from rows: by term, then by row. *cursor* holds where each term's
    postings begin, and is used up.
    """
    for row in range(len(indptr) - 1):
        for j in range(indptr[row], indptr[row + 1]):
            at = cursor[terms[j]]
            post_rows[at] = row
            post_tf[at] = tf[j]
            cursor[terms[j]] = at + 1


@kernel
def square_sums(indptr: Longs, tf: Floats, out: DoublesOut) -> None:
    """
    A(d) = Σ_t tf(d,t)².
    """
    for row in range(len(indptr) - 1):
        total = 0.0
        for j in range(indptr[row], indptr[row + 1]):
            total += np.float64(tf[j]) * np.float64(tf[j])
        out[row] = total


@kernel
def norm_parts(
    indptr: Longs, terms: Ints, tf: Floats, g: Doubles, b: DoublesOut, c: DoublesOut
) -> None:
    """
    B(d) = Σ_t tf²·g(t) and C(d) = Σ_t tf²·g(t)², of every row.
    """
    for row in range(len(indptr) - 1):
        first = 0.0
        second = 0.0
        for j in range(indptr[row], indptr[row + 1]):
            part = np.float64(tf[j]) * np.float64(tf[j]) * g[terms[j]]
            first += part
            second += part * g[terms[j]]
        b[row] = first
        c[row] = second


@kernel
def move_norm_parts(
    post_indptr: Longs, post_rows: Ints, post_tf: Floats,
    terms: Longs, old_g: Doubles, new_g: Doubles, b: DoublesOut, c: DoublesOut,
) -> None:  # fmt: skip
    """
    Move B and C of the rows that hold *terms*, whose g has changed.
    """
    for i in range(len(terms)):
        by = new_g[i] - old_g[i]
        by2 = new_g[i] * new_g[i] - old_g[i] * old_g[i]
        for j in range(post_indptr[terms[i]], post_indptr[terms[i] + 1]):
            square = np.float64(post_tf[j]) * np.float64(post_tf[j])
            b[post_rows[j]] += square * by
            c[post_rows[j]] += square * by2


@kernel
def find_sorted(haystack: Hashes, needles: Hashes, out: LongsOut) -> None:
    """
    For each needle the place of an equal value in *haystack* (sorted), else -1.
    """
    size = len(haystack)
    for i in range(len(needles)):
        low = 0
        high = size
        while low < high:
            middle = (low + high) >> 1
            if haystack[middle] < needles[i]:
                low = middle + 1
            else:
                high = middle
        out[i] = low if low < size and haystack[low] == needles[i] else -1


@kernel
def find_first(haystack: Hashes, needle: np.uint64) -> int:
    """
    The first place in *haystack* (sorted) whose value is at least *needle*.
    """
    low = 0
    high = len(haystack)
    while low < high:
        middle = (low + high) >> 1
        if haystack[middle] < needle:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def find_keys(
    hashes: Hashes, order: Ints, data: Bytes, offsets: Longs,
    sought_hashes: Hashes, sought_data: Bytes, sought_offsets: Longs, out: IntsOut,
) -> None:  # fmt: skip
    """
    For each sought byte string its row, else -1; equal hashes are compared by bytes.
    """
    size = len(hashes)
    for i in range(len(sought_hashes)):
        out[i] = -1
        wanted = sought_hashes[i]
        low = 0
        high = size
        while low < high:
            middle = (low + high) >> 1
            if hashes[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        begin = sought_offsets[i]
        length = sought_offsets[i + 1] - begin
        while low < size and hashes[low] == wanted and out[i] < 0:
            row = order[low]
            start = offsets[row]
            same = offsets[row + 1] - start == length
            j = 0
            while same and j < length:
                same = data[start + j] == sought_data[begin + j]
                j += 1
            if same:
                out[i] = row
            low += 1


@kernel
def dot_with_rows(
    indptr: Longs, hashes: Hashes, values: Doubles, row: int, out: DoublesOut
) -> None:
    """
    Σ_t v(row,t)·v(d,t) of one sparse row with every row d; hashes rise within a row.
    """
    for other in range(len(indptr) - 1):
        total = 0.0
        i = indptr[row]
        j = indptr[other]
        while i < indptr[row + 1] and j < indptr[other + 1]:
            if hashes[i] < hashes[j]:
                i += 1
            elif hashes[j] < hashes[i]:
                j += 1
            else:
                total += values[i] * values[j]
                i += 1
                j += 1
        out[other] = total
