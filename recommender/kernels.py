"""
The inner loops, compiled; `tests/recommender/test_kernels.py` holds each against
plain numpy.

All take and fill arrays, allocate little, and release the interpreter's lock.
Each is compiled once, for the types that its annotations name, so that no call ever
waits for a compiler; the code is cached beside this file, or under NUMBA_CACHE_DIR.
Weights are widened by `np.float64`: to the compiler, `float` of a float32 is float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

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


def _argument(tuple_class: T) -> T:
    """
    Let kernels take the named tuple; its arrays must be read-only.
    """
    names = [
        getattr(a, "__forward_arg__", a) for a in tuple_class.__annotations__.values()
    ]
    members = [_TYPES[str(name)] for name in names]
    _TYPES[tuple_class.__name__] = cast("Any", types.NamedTuple)(members, tuple_class)
    return tuple_class


@_argument
class Postings(NamedTuple):
    """
    Rows and weights by term: those of term t lie from indptr[t] to indptr[t + 1].
    """

    indptr: Longs
    rows: Ints
    tf: Floats


@_argument
class Norms(NamedTuple):
    """
    What the norms of rows are made of: ‖d‖² = L²·A + 2L·B + C.
    """

    a: Doubles
    b: Doubles
    c: Doubles
    big_l: float
    query_square: float


@_argument
class Columns(NamedTuple):
    """
    What filters look at, by row.
    """

    dead: Bools
    visible: Bools
    in_stock: Bools
    price: Doubles
    category_indptr: Longs
    category_codes: Ints
    brand_codes: Ints


@_argument
class Wanted(NamedTuple):
    """
    What filters ask for; an empty table of codes, a stock of -1, a price of NaN and
    no ranges ask for nothing.

    A row must have one of `categories`, one of `within` and none of `unwanted`. The
    table of brands ends with whether no brand is accepted. Where there are ranges,
    the price must lie in one of them.
    """

    categories: Bools
    within: Bools
    unwanted: Bools
    brands: Bools
    stock: int
    min_price: float
    max_price: float
    lows: Doubles
    highs: Doubles


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
def add_scores(
    postings: Postings,
    terms: Longs,
    weights: Doubles,
    scores: DoublesOut,
    touched: IntsOut,
) -> int:
    """
    scores(d) += Σ_t weight(t)·tf(d,t); return how many rows are listed in *touched*.

    A term of -1 is absent here. *scores* must be zero, weights and tf above zero: a row
    whose score stayed at zero would be listed again.
    """
    count = 0
    for i in range(len(terms)):
        if terms[i] < 0:
            continue
        weight = weights[i]
        for j in range(postings.indptr[terms[i]], postings.indptr[terms[i] + 1]):
            row = postings.rows[j]
            if scores[row] == 0.0:
                touched[count] = row
                count += 1
            scores[row] += weight * np.float64(postings.tf[j])
    return count


@kernel
def is_in_range(price: float, least: float, most: float) -> bool:
    """
    Whether a price lies within limits, where NaN is no limit; no price is in none.
    """
    if not np.isnan(least) and not price >= least:
        return False
    return bool(np.isnan(most) or price <= most)


@kernel
def is_in_any_range(price: float, lows: Doubles, highs: Doubles) -> bool:
    """
    Whether a price lies in one of the ranges, bounds included; without ranges any does.
    """
    for i in range(len(lows)):
        if lows[i] <= price <= highs[i]:
            return True
    return len(lows) == 0


@kernel
def has_categories(row: int, columns: Columns, wanted: Wanted) -> bool:
    """
    Whether a row is in the categories asked for, and in none of the unwanted.
    """
    is_among = len(wanted.categories) == 0
    is_within = len(wanted.within) == 0
    can_be_unwanted = len(wanted.unwanted) > 0
    if is_among and is_within and not can_be_unwanted:
        return True
    for j in range(columns.category_indptr[row], columns.category_indptr[row + 1]):
        code = columns.category_codes[j]
        if can_be_unwanted and wanted.unwanted[code]:
            return False
        if not is_among:
            is_among = wanted.categories[code]
        if not is_within:
            is_within = wanted.within[code]
    return is_among and is_within


@kernel
def is_accepted(row: int, columns: Columns, wanted: Wanted) -> bool:
    """
    Whether a row is alive, visible and passes the filters.
    """
    if columns.dead[row] or not columns.visible[row]:
        return False
    if wanted.stock >= 0 and columns.in_stock[row] != (wanted.stock == 1):
        return False
    if not is_in_range(columns.price[row], wanted.min_price, wanted.max_price):
        return False
    if len(wanted.brands) > 0:
        brand = columns.brand_codes[row]
        if not wanted.brands[brand if brand >= 0 else len(wanted.brands) - 1]:
            return False
    if not is_in_any_range(columns.price[row], wanted.lows, wanted.highs):
        return False
    return has_categories(row, columns, wanted)


@kernel
def insert_ranked(
    best: LongsOut, rows: IntsOut, kept: int, value: int, row: int
) -> int:
    """
    Put a row at its rank, best first, ties by row; return how many are kept.
    """
    at = min(kept, len(best) - 1)
    while at > 0 and (
        best[at - 1] < value or (best[at - 1] == value and rows[at - 1] > row)
    ):
        best[at] = best[at - 1]
        rows[at] = rows[at - 1]
        at -= 1
    best[at] = value
    rows[at] = row
    return min(kept + 1, len(best))


@kernel
def best_rows(
    touched: Ints, scores: DoublesOut, norms: Norms, floor: int,
    columns: Columns, wanted: Wanted, best: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    Keep the best accepted rows, best first, ties by row; return how many.

    A score is the cosine in billionths, rounded: scores(d) / (‖q‖·‖d‖), with
    ‖d‖² = L²·A + 2L·B + C. Rows below *floor* are left out. *scores* is zero again
    afterwards.
    """
    kept = 0
    worst = max(floor, 1)
    for i in range(len(touched)):
        row = touched[i]
        score = scores[row]
        scores[row] = 0.0
        square = norms.c[row] + norms.big_l * (
            norms.big_l * norms.a[row] + 2.0 * norms.b[row]
        )
        square *= norms.query_square
        bar = (worst - 1) * 1e-9  # cheaper than a root, and never too strict
        if score * score < bar * bar * square:
            continue
        value = int(np.rint(score / np.sqrt(square) * 1e9))
        if value < worst:
            continue
        if kept == len(best) and value == worst and row > rows[kept - 1]:
            continue
        if is_accepted(row, columns, wanted):
            kept = insert_ranked(best, rows, kept, value, row)
            if kept == len(best):
                worst = max(worst, best[kept - 1])
    return kept


@kernel
def all_rows(
    touched: Ints, scores: DoublesOut, norms: Norms, floor: int,
    columns: Columns, wanted: Wanted, values: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    List all accepted rows at or above *floor*, in no order; else as `best_rows`, which
    is slow where many are kept.
    """
    kept = 0
    for i in range(len(touched)):
        row = touched[i]
        score = scores[row]
        scores[row] = 0.0
        square = norms.c[row] + norms.big_l * (
            norms.big_l * norms.a[row] + 2.0 * norms.b[row]
        )
        value = int(np.rint(score / np.sqrt(square * norms.query_square) * 1e9))
        if value >= max(floor, 1) and is_accepted(row, columns, wanted):
            values[kept] = value
            rows[kept] = row
            kept += 1
    return kept


@kernel
def first_accepted(order: Ints, columns: Columns, wanted: Wanted, rows: IntsOut) -> int:
    """
    Fill *rows* with the first accepted ones in *order*; return how many there are.
    """
    kept = 0
    for i in range(len(order)):
        if kept == len(rows):
            break
        if is_accepted(order[i], columns, wanted):
            rows[kept] = order[i]
            kept += 1
    return kept


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
