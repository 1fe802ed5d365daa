"""
The inner loops, compiled; `tests/recommender/test_kernels.py` holds each against
plain numpy.

All take and fill arrays, allocate little, and release the interpreter's lock.
Each that others call is compiled once, for the types that its annotations name, so that
no call ever waits for a compiler; the code is cached beside this file, or under
NUMBA_CACHE_DIR. What only kernels call is `inner` to them.
The cache only knows the file that a kernel stands in: kernels that call one another
stand in one.
Weights come as the bits of half-precision numbers, with which the compiler cannot
reckon, and are `widened` one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar, cast

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
HalfBits = NDArray[np.uint16]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# ... and what it fills.
BytesOut = NDArray[np.uint8]
BoolsOut = NDArray[np.bool_]
IntsOut = NDArray[np.int32]
LongsOut = NDArray[np.int64]
HalfBitsOut = NDArray[np.uint16]
FloatsOut = NDArray[np.float32]
DoublesOut = NDArray[np.float64]

# What has those bits, where there is no kernel.
Halves = NDArray[np.float16]

# From a half to a double: exponents count from 15 in one and from 1023 in the other,
# digits after the point are 10 and 52.
WIDER: Final = np.uint64(42)
LOWER: Final = 2.0**1008

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
    "np.float32": types.float32,
    "np.uint16": types.uint16,
    "np.uint64": types.uint64,
    "Bytes": _array(types.uint8, readonly=True),
    "Bools": _array(types.boolean, readonly=True),
    "Ints": _array(types.int32, readonly=True),
    "Longs": _array(types.int64, readonly=True),
    "Hashes": _array(types.uint64, readonly=True),
    "HalfBits": _array(types.uint16, readonly=True),
    "Floats": _array(types.float32, readonly=True),
    "Doubles": _array(types.float64, readonly=True),
    "BytesOut": _array(types.uint8, readonly=False),
    "BoolsOut": _array(types.boolean, readonly=False),
    "IntsOut": _array(types.int32, readonly=False),
    "LongsOut": _array(types.int64, readonly=False),
    "HalfBitsOut": _array(types.uint16, readonly=False),
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


def direct(compiled: F) -> F:
    """
    Return what a kernel is at last, without the look at the types of what it is called
    with, which takes longer than to call it where tuples hold many arrays.

    So the caller has to know them: of an array only the item size is looked at, neither
    its type nor its dimensions or strides, and what is no int is none.
    """
    (result,) = cast("Any", compiled).overloads.values()
    return cast("F", result.entry_point)


def inner(function: F) -> F:
    """
    Let kernels call *function*, and nobody else: it is compiled with each of them, for
    what they pass, and a process that has them from the cache does not load it.
    """
    return cast("F", numba.njit(cache=True, nogil=True)(function))


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


@argument
class Postings(NamedTuple):
    """
    Rows and weights by term: those of term t lie from indptr[t] to indptr[t + 1].
    """

    indptr: Longs
    rows: Ints
    tf: HalfBits


@argument
class Forward(NamedTuple):
    """
    Terms and weights by row: those of row r lie from indptr[r] to indptr[r + 1], terms
    rising.
    """

    indptr: Longs
    terms: Ints
    tf: HalfBits


@inner
def widened(half: np.uint16) -> float:
    """
    The value of a half-precision number above 0, from its bits.

    They are moved to where a double has them; its exponent is put right by a product,
    which is exact.
    """
    return float(np.uint64(np.uint64(half) << WIDER).view(np.float64) * LOWER)


@kernel
def copy_runs(
    source: Bytes, begins: Longs, rows: Longs, starts: Longs, target: BytesOut
) -> None:
    """
    Copy the byte strings at *rows* of a blob to where each is to start.

    By views of each, whose indexes the compiler knows to be no negative ones: it copies
    them by many bytes at a time.
    """
    for i in range(len(rows)):
        here = source[begins[rows[i]] : begins[rows[i] + 1]]
        there = target[starts[i] : starts[i] + len(here)]
        for j in range(len(here)):
            there[j] = here[j]


@kernel
def gather_rows(
    indptr: Longs, terms: Ints, tf: HalfBits, rows: Longs, renamed: Ints,
    to_indptr: Longs, to_terms: IntsOut, to_tf: HalfBitsOut, to_rows: Longs,
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
    indptr: Longs, terms: Ints, tf: HalfBits, cursor: LongsOut,
    post_rows: IntsOut, post_tf: HalfBitsOut,
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
def square_sums(indptr: Longs, tf: HalfBits, out: DoublesOut) -> None:
    """
    A(d) = Σ_t tf(d,t)².
    """
    for row in range(len(indptr) - 1):
        total = 0.0
        for j in range(indptr[row], indptr[row + 1]):
            total += widened(tf[j]) * widened(tf[j])
        out[row] = total


@kernel
def fill_lengths(
    post_indptr: Longs, post_rows: Ints, post_tf: HalfBits, g: Doubles, big_l: float,
    squares: DoublesOut, lengths: FloatsOut,
) -> None:  # fmt: skip
    """
    ‖d‖ of every row, with ‖d‖² = Σ_t tf²·(L + g(t))²; *squares* must be zero.

    By postings: their rows rise, so that memory is passed through, where the terms of
    a row lie anywhere.
    """
    for term in range(len(g)):
        begin, end = post_indptr[term], post_indptr[term + 1]
        rows, tf = post_rows[begin:end], post_tf[begin:end]
        idf = big_l + g[term]
        for j in range(len(rows)):
            part = widened(tf[j]) * idf
            squares[np.uint32(rows[j])] += part * part
    for row in range(len(lengths)):
        lengths[row] = np.sqrt(squares[row])


@kernel
def fill_lengths_of(
    indptr: Longs, terms: Ints, tf: HalfBits, g: Doubles, big_l: float, rows: Ints,
    lengths: FloatsOut,
) -> None:  # fmt: skip
    """
    The same of some *rows*, by their terms.
    """
    for i in range(len(rows)):
        total = 0.0
        for j in range(indptr[rows[i]], indptr[rows[i] + 1]):
            part = widened(tf[j]) * (big_l + g[terms[j]])
            total += part * part
        lengths[i] = np.sqrt(total)


@kernel
def gather_postings(
    post_indptr: Longs, post_rows: Ints, terms: Longs, rows: IntsOut
) -> None:
    """
    List the rows that hold the *terms*, one term after the other.
    """
    to = 0
    for i in range(len(terms)):
        for j in range(post_indptr[terms[i]], post_indptr[terms[i] + 1]):
            rows[to] = post_rows[j]
            to += 1


@kernel
def find_sorted(haystack: Hashes, needles: Hashes, out: LongsOut) -> None:
    """
    For each needle the place of an equal value in *haystack* (sorted), else -1.

    One that is no less than the needle before it is looked for from there on, in ever
    longer steps: needles that rise, as many as there is hay, cost some steps each.
    """
    size = len(haystack)
    low = 0
    for i in range(len(needles)):
        if i > 0 and needles[i] < needles[i - 1]:
            low = 0
        high = low
        step = 1
        while high < size and haystack[high] < needles[i]:
            low = high + 1
            high += step
            step *= 2
        high = min(high, size)
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
