"""
The best rows of a segment for a query with few of its rows looked at, compiled as
`recommender.kernels` are; `tests/recommender/test_search_kernels.py` holds the result
against plain numpy.

All postings of the query's terms are added up in single precision, without a branch,
which takes the time of reading them. Then a pass over the sums leaves alone whatever
cannot reach the last of the best rows so far; what can is scored in full, in double
precision and by its own terms, so that a score is the same however it was found. The
rows of the rarest terms come first, so that there is something to reach.

Where brands are asked for that few rows have, these are scored instead, and no posting
is added. Nothing of this is an estimate.
"""

from __future__ import annotations

import math

from typing import Final, NamedTuple

import numpy as np

from recommender.kernels import (
    LOWER,
    WIDER,
    Bools,
    BoolsOut,
    BytesOut,
    Doubles,
    DoublesOut,
    Floats,
    FloatsOut,
    Forward,
    HalfBits,
    Ints,
    IntsOut,
    Longs,
    LongsOut,
    Postings,
    argument,
    inner,
    kernel,
)


# As `recommender.kernels` has them, but from a half to single precision.
SINGLE_WIDER: Final = np.uint32(13)
SINGLE_LOWER: Final = np.float32(2.0**112)

UNIT: Final = 1e-9  # of a score
NEVER: Final = -np.inf  # of a row that has been dealt with
SCORING: Final = 200  # postings can be added in the time of scoring one row in full
RAREST: Final = 64  # rows scored before all others
STRETCH: Final = 1_024  # rows between looks at what is to be reached
WORD: Final = 8  # marks are looked at together
ROOMY: Final = 16  # places for each term of a query: two seldom meet
ROUNDING: Final = 2.0**-23  # for each term, of a sum in single precision: twice enough


@argument
class Norms(NamedTuple):
    """
    What the norms of rows are made of, ‖d‖² = Σ_t tf²·(L + g(t))², and ‖d‖ as it was,
    in single precision: what it is now is *shrunk* of that at least.
    """

    g: Doubles
    big_l: float
    query_square: float
    lengths: Floats
    shrunk: float


@argument
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


@argument
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


@argument
class Sought(NamedTuple):
    """
    The terms of a query, as one segment knows them: rising, or -1 for those it does
    not hold; weights above 0.
    """

    terms: Longs
    weights: Doubles


class Asked(NamedTuple):
    """
    The same with a table to look them up in: terms whose last bits are b are the one
    at first[b], the one at after[of that], and so on until -1.
    """

    terms: Longs
    weights: Doubles
    first: Ints
    after: Ints


@inner
def widened(half: np.uint16) -> float:
    """
    See `recommender.kernels.widened`, which cannot be called from here.
    """
    return float(np.uint64(np.uint64(half) << WIDER).view(np.float64) * LOWER)


@inner
def single(half: np.uint16) -> np.float32:
    """
    The same in single precision, which is exact, too.
    """
    bits = np.uint32(half << SINGLE_WIDER)
    return np.float32(bits.view(np.float32) * SINGLE_LOWER)


@inner
def is_in_range(price: float, least: float, most: float) -> bool:
    """
    Whether a price lies within limits, where NaN is no limit; no price is in none.
    """
    if not np.isnan(least) and not price >= least:
        return False
    return bool(np.isnan(most) or price <= most)


@inner
def is_in_any_range(price: float, lows: Doubles, highs: Doubles) -> bool:
    """
    Whether a price lies in one of the ranges, bounds included; without ranges any does.
    """
    for i in range(len(lows)):
        if lows[i] <= price <= highs[i]:
            return True
    return len(lows) == 0


@inner
def has_categories(
    codes: Ints, categories: Bools, within: Bools, unwanted: Bools
) -> bool:
    """
    Whether a row of these codes is in the categories asked for, and in none of the
    unwanted.
    """
    is_among = len(categories) == 0
    is_within = len(within) == 0
    for code in codes:
        if len(unwanted) > 0 and unwanted[code]:
            return False
        if not is_among:
            is_among = categories[code]
        if not is_within:
            is_within = within[code]
    return is_among and is_within


@kernel
def accept(rows: Ints, columns: Columns, wanted: Wanted, passed: BoolsOut) -> None:
    """
    Say of each of the rows whether it is alive, visible and passes the filters.
    """
    # a local name costs nothing; each look into a tuple counts a reference to an array
    dead, visible, in_stock = columns.dead, columns.visible, columns.in_stock
    price, brand_codes = columns.price, columns.brand_codes
    begins, codes = columns.category_indptr, columns.category_codes
    categories, within, unwanted = wanted.categories, wanted.within, wanted.unwanted
    brands, lows, highs = wanted.brands, wanted.lows, wanted.highs
    stock, least, most = wanted.stock, wanted.min_price, wanted.max_price
    has_prices = not (np.isnan(least) and np.isnan(most) and len(lows) == 0)
    has_paths = len(categories) > 0 or len(within) > 0 or len(unwanted) > 0
    for i in range(len(rows)):
        row = rows[i]
        fine = visible[row] and not dead[row]
        if fine and stock >= 0:
            fine = in_stock[row] == (stock == 1)
        if fine and has_prices:
            fine = is_in_range(price[row], least, most)
            fine = fine and is_in_any_range(price[row], lows, highs)
        if fine and len(brands) > 0:
            fine = brands[brand_codes[row] if brand_codes[row] >= 0 else -1]
        if fine and has_paths:
            own = codes[begins[row] : begins[row + 1]]
            fine = has_categories(own, categories, within, unwanted)
        passed[i] = fine


@inner
def insert_ranked(
    best: LongsOut, rows: IntsOut, kept: int, value: int, row: int
) -> int:
    """
    Put a row at its rank, best first, ties by row, if it has one; return how many are
    kept.
    """
    last = len(best) - 1
    if kept > last and (
        best[last] > value or (best[last] == value and rows[last] < row)
    ):
        return kept
    at = min(kept, last)
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
def first_accepted(order: Ints, columns: Columns, wanted: Wanted, rows: IntsOut) -> int:
    """
    Fill *rows* with the first accepted ones in *order*; return how many there are.
    """
    passed = np.empty(1, np.bool_)
    kept = 0
    for i in range(len(order)):
        if kept == len(rows):
            break
        accept(order[i : i + 1], columns, wanted, passed)
        if passed[0]:
            rows[kept] = order[i]
            kept += 1
    return kept


@inner
def length_of(postings: Postings, term: int) -> int:
    """
    How many rows hold a term.
    """
    return int(postings.indptr[term + 1] - postings.indptr[term])


@inner
def add_terms(postings: Postings, sought: Sought, scores: FloatsOut) -> None:
    """
    Add the terms' parts to the scores of their rows.
    """
    for i in range(len(sought.terms)):
        term = sought.terms[i]
        if term >= 0:
            begin, end = postings.indptr[term], postings.indptr[term + 1]
            rows, tf = postings.rows[begin:end], postings.tf[begin:end]
            weight = np.float32(sought.weights[i])
            for j in range(len(rows)):
                # without a sign, so that no place is looked for from the end
                scores[np.uint32(rows[j])] += weight * single(tf[j])


@inner
def square_sum(terms: Ints, tf: HalfBits, g: Doubles, big_l: float) -> float:
    """
    ‖d‖² of a row of these terms.
    """
    total = 0.0
    for j in range(len(terms)):
        part = widened(tf[j]) * (big_l + g[np.uint32(terms[j])])
        total += part * part
    return total


@kernel
def square_of(row: int, forward: Forward, g: Doubles, big_l: float) -> float:
    """
    ‖d‖² of a row.
    """
    begin, end = forward.indptr[row], forward.indptr[row + 1]
    return square_sum(forward.terms[begin:end], forward.tf[begin:end], g, big_l)


@inner
def to_value(total: float, square: float, norms: Norms) -> int:
    """
    A row's cosine in billionths, rounded, from the sum of its terms' parts: divided by
    ‖q‖·‖d‖.
    """
    return int(np.rint(total / np.sqrt(square * norms.query_square) / UNIT))


@inner
def looked_up(sought: Sought) -> Asked:
    """
    Return the terms of a query, ready to be looked up.
    """
    size = 1
    while size < ROOMY * len(sought.terms):
        size *= 2
    first, after = np.full(size, -1, np.int32), np.empty(len(sought.terms), np.int32)
    for i in range(len(sought.terms)):
        term = sought.terms[i]
        if term >= 0:
            after[i] = first[term & (size - 1)]
            first[term & (size - 1)] = i
    return Asked(sought.terms, sought.weights, first, after)


@inner
def full_score(
    row: int, forward: Forward, asked: Asked, norms: Norms, bar: float
) -> int:
    """
    A row's value by its own terms; 0 where it is none that passes the *bar*, which is
    what a score must exceed, as a part of its length as it was.
    """
    begin, end = forward.indptr[row], forward.indptr[row + 1]
    terms, tf = forward.terms[begin:end], forward.tf[begin:end]
    first, after, last = asked.first, asked.after, len(asked.first) - 1
    total = 0.0
    for j in range(len(terms)):
        # without a sign, so that no place is looked for from the end
        i = first[np.uint64(terms[j] & last)]
        while i >= 0 and asked.terms[np.uint64(i)] != terms[j]:
            i = after[np.uint64(i)]
        if i >= 0:
            total += asked.weights[np.uint64(i)] * widened(tf[j])
    if total <= bar * norms.lengths[row]:
        return 0  # most rows, or one without terms, which has no length
    return to_value(total, square_sum(terms, tf, norms.g, norms.big_l), norms)


@inner
def bar_for(worst: int, terms: int, norms: Norms) -> float:
    """
    What a row's score must exceed, as a part of its length as it was, for a value of
    *worst*; a little less, for what single precision loses.
    """
    exact = max(1.0 - (terms + 8) * ROUNDING, 0.0)
    return (worst - 1) * UNIT * math.sqrt(norms.query_square) * norms.shrunk * exact


@inner
def keep_best(
    listed: IntsOut, columns: Columns, wanted: Wanted,
    forward: Forward, asked: Asked, norms: Norms, floor: int,
    best: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    Score those rows in full that are accepted, and keep the best that reach *floor*;
    return how many.
    """
    passed = np.empty(len(listed), np.bool_)
    accept(listed, columns, wanted, passed)
    kept = 0
    worst = floor
    bar = bar_for(worst, len(asked.terms), norms)
    for i in range(len(listed)):
        if passed[i]:
            value = full_score(listed[i], forward, asked, norms, bar)
            if value >= worst:
                kept = insert_ranked(best, rows, kept, value, listed[i])
                if kept == len(best) and best[-1] > worst:
                    worst = best[-1]
                    bar = bar_for(worst, len(asked.terms), norms)
    return kept


@inner
def worth_listing(postings: Postings, terms: Longs) -> int:
    """
    How many rows can be scored in full in the time of adding the *terms*.
    """
    count = 0
    for term in terms:
        if term >= 0:
            count += length_of(postings, term)
    return count // SCORING


@inner
def list_brand(brand_codes: Ints, brands: Bools, listed: IntsOut) -> int:
    """
    List the rows that have one of the brands, rising, and return how many; -1 when
    there is no room for all.
    """
    count = 0
    for row in range(len(brand_codes)):
        if brands[brand_codes[row]]:  # the last one where there is no brand
            if count == len(listed):
                return -1
            listed[count] = row
            count += 1
    return count


@inner
def list_rarest(postings: Postings, terms: Longs, listed: IntsOut) -> int:
    """
    List the rows of the rarest *terms*, of as many as there is room for, in no order,
    and return how many; a row may be there more than once.
    """
    lengths = np.empty(len(terms), np.int64)
    for i in range(len(terms)):
        is_here = terms[i] >= 0
        lengths[i] = length_of(postings, terms[i]) if is_here else len(listed) + 1
    count = 0
    for i in np.argsort(lengths):
        if count + lengths[i] > len(listed):
            break
        begin = postings.indptr[terms[i]]
        for j in range(begin, begin + lengths[i]):
            listed[count] = postings.rows[j]
            count += 1
    return count


@inner
def begin_with_rarest(
    postings: Postings, forward: Forward, asked: Asked, norms: Norms, floor: int,
    columns: Columns, wanted: Wanted, scores: FloatsOut, best: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    Keep the best of the rows with the rarest terms; return how many. Their scores
    become `NEVER`, which no addition changes.
    """
    listed = np.empty(RAREST, np.int32)
    count = 0
    for row in listed[: list_rarest(postings, asked.terms, listed)]:
        if scores[row] == 0.0:
            scores[row] = NEVER
            listed[count] = row
            count += 1
    return keep_best(
        listed[:count], columns, wanted, forward, asked, norms, floor, best, rows
    )


@inner
def mark(scores: Floats, lengths: Floats, bar: float, marks: BytesOut) -> None:
    """
    Mark rows whose score is more than *bar* of their length.
    """
    least = np.float32(bar)
    for i in range(len(scores)):
        marks[i] = scores[i] > least * lengths[i]


@inner
def list_marked(marks: BytesOut, begin: int, listed: IntsOut) -> int:
    """
    List the marked rows, of which the first is row *begin*, clear the marks, and
    return how many there were.
    """
    words = marks.view(np.uint64)
    count = 0
    for at in range(len(words)):
        if words[at] != 0:
            for i in range(at * WORD, at * WORD + WORD):
                listed[count] = begin + i
                count += marks[i]
            words[at] = 0
    return count


@inner
def keep_reaching(
    listed: IntsOut, columns: Columns, wanted: Wanted,
    forward: Forward, asked: Asked, norms: Norms, floor: int,
    scores: FloatsOut, best: LongsOut, rows: IntsOut, kept: int,
) -> int:  # fmt: skip
    """
    Score those rows in full that are accepted and can be among the best, of which some
    are kept already; return how many are kept.
    """
    passed = np.empty(len(listed), np.bool_)
    accept(listed, columns, wanted, passed)
    lengths = norms.lengths
    worst = max(floor, best[-1]) if kept == len(best) else floor
    bar = bar_for(worst, len(asked.terms), norms)
    for i in range(len(listed)):
        row = listed[i]
        if passed[i] and scores[row] > bar * lengths[row]:
            value = full_score(row, forward, asked, norms, bar)
            if value >= worst:
                kept = insert_ranked(best, rows, kept, value, row)
                if kept == len(best) and best[-1] > worst:
                    worst = best[-1]
                    bar = bar_for(worst, len(asked.terms), norms)
    return kept


@kernel
def best_rows(
    postings: Postings, forward: Forward, sought: Sought, norms: Norms, floor: int,
    columns: Columns, wanted: Wanted, scores: FloatsOut, best: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    Keep the best accepted rows, best first, ties by row, of which *best* and *rows*
    have room for one or more; return how many.

    A score is the cosine in billionths, rounded. Rows below *floor*, or below 1, are
    left out. *scores* must be zero, one for each row, and are so again afterwards.
    """
    floor = max(floor, 1)
    asked = looked_up(sought)
    if len(wanted.brands) > 0:
        few = np.empty(worth_listing(postings, sought.terms), np.int32)
        count = list_brand(columns.brand_codes, wanted.brands, few)
        if count >= 0:
            return keep_best(
                few[:count], columns, wanted, forward, asked, norms, floor, best, rows
            )
    kept = begin_with_rarest(
        postings, forward, asked, norms, floor, columns, wanted, scores, best, rows
    )
    add_terms(postings, sought, scores)
    marks = np.zeros(STRETCH, np.uint8)
    listed = np.empty(STRETCH, np.int32)
    for begin in range(0, len(scores), STRETCH):
        end = min(begin + STRETCH, len(scores))
        worst = max(floor, best[-1]) if kept == len(best) else floor
        bar = bar_for(worst, len(sought.terms), norms)
        mark(scores[begin:end], norms.lengths[begin:end], bar, marks)
        found = list_marked(marks, begin, listed)
        if found > 0:
            kept = keep_reaching(
                listed[:found], columns, wanted, forward, asked, norms, floor,
                scores, best, rows, kept,
            )  # fmt: skip
    scores[:] = 0.0
    return kept


@inner
def add_in_full(postings: Postings, sought: Sought, scores: DoublesOut) -> None:
    """
    Add all terms' parts to the scores of their rows, in the order of `full_score`.
    """
    for i in range(len(sought.terms)):
        term = sought.terms[i]
        if term >= 0:
            for j in range(postings.indptr[term], postings.indptr[term + 1]):
                part = sought.weights[i] * widened(postings.tf[j])
                scores[postings.rows[j]] += part


@kernel
def touched_rows(
    postings: Postings, sought: Sought, columns: Columns, wanted: Wanted,
    totals: DoublesOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    List the accepted rows that hold a term, rising, with the sums of their terms'
    parts; return how many. *totals* and *rows* have room for every row.
    """
    totals[:] = 0.0
    add_in_full(postings, sought, totals)
    count = 0
    for row in range(len(totals)):
        if totals[row] > 0.0:
            rows[count] = row
            count += 1
    passed = np.empty(count, np.bool_)
    accept(rows[:count], columns, wanted, passed)
    kept = 0
    for i in range(count):
        if passed[i]:
            totals[kept] = totals[rows[i]]
            rows[kept] = rows[i]
            kept += 1
    return kept


@kernel
def values_of(
    rows: Ints, totals: Doubles, forward: Forward, norms: Norms, values: LongsOut
) -> None:
    """
    The value of each of the rows, from the sums of their terms' parts, above 0.
    """
    for i in range(len(rows)):
        begin, end = forward.indptr[rows[i]], forward.indptr[rows[i] + 1]
        terms, tf = forward.terms[begin:end], forward.tf[begin:end]
        square = square_sum(terms, tf, norms.g, norms.big_l)
        values[i] = to_value(totals[i], square, norms)
