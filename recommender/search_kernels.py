"""
The best rows of a segment for a query without a look at most of its postings,
compiled as `recommender.kernels` are; `tests/recommender/test_search_kernels.py` holds
the result against plain numpy.

Terms are taken one after the other, those first that say most for their number of
rows. What is left of the query, q', can add at most ‖q'‖ / ‖q‖ to any cosine (Cauchy
and Schwarz, used so by Anastasiu and Karypis 2014, "L2AP", 3.2). As soon as that is
less than the last of the best rows has for certain, no row can be among the best that
has not been touched yet; and of those, the few that still can are scored in full, by
their own terms. Where brands are asked for that few rows have, these are scored
instead, and no posting is looked at. Nothing of this is an estimate, and nothing has
to be kept up.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from recommender.kernels import (
    Bools,
    BoolsOut,
    Doubles,
    DoublesOut,
    Floats,
    Ints,
    IntsOut,
    Longs,
    LongsOut,
    argument,
    kernel,
)


UNIT: Final = 1e-9  # of a score
NEVER: Final = -np.inf  # of a row that is not accepted
SCORING: Final = 100  # postings can be added in the time of scoring one row in full
GLANCING: Final = 4  # and rows looked at for their brand in the time of adding one


@argument
class Postings(NamedTuple):
    """
    Rows and weights by term: those of term t lie from indptr[t] to indptr[t + 1].
    """

    indptr: Longs
    rows: Ints
    tf: Floats


@argument
class Norms(NamedTuple):
    """
    What the norms of rows are made of: ‖d‖² = L²·A + 2L·B + C.
    """

    a: Doubles
    b: Doubles
    c: Doubles
    big_l: float
    query_square: float


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
class Forward(NamedTuple):
    """
    Terms and weights by row: those of row r lie from indptr[r] to indptr[r + 1], terms
    rising.
    """

    indptr: Longs
    terms: Ints
    tf: Floats


@argument
class Sought(NamedTuple):
    """
    The terms of a query, as one segment knows them: rising, or -1 for those it does
    not hold; weights above 0, and the squares of values, which `Norms.query_square`
    is the sum of.
    """

    terms: Longs
    weights: Doubles
    squares: Doubles


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


@kernel
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


@kernel
def in_turn(
    postings: Postings, sought: Sought, query_square: float,
    order: LongsOut, bounds: DoublesOut,
) -> int:  # fmt: skip
    """
    Put in order the places in *sought* of terms that are here, most telling for their
    number of rows first; return how many.

    bounds[i] is the most that the terms from i on can add to a cosine, and 0 where
    none is left.
    """
    count = 0
    gain = np.empty(len(sought.terms), np.float64)
    here = np.empty(len(sought.terms), np.int64)
    for i in range(len(sought.terms)):
        term = sought.terms[i]
        if term >= 0:
            length = postings.indptr[term + 1] - postings.indptr[term]
            gain[count] = -sought.squares[i] / max(length, 1)
            here[count] = i
            count += 1
    by_gain = np.argsort(gain[:count])
    bounds[count] = 0.0
    left = 0.0
    for i in range(count - 1, -1, -1):
        order[i] = here[by_gain[i]]
        left += sought.squares[order[i]]
        bounds[i] = np.sqrt(left / query_square)
    return count


@kernel
def add_term(
    postings: Postings, term: int, weight: float,
    scores: DoublesOut, touched: IntsOut, count: int,
) -> int:  # fmt: skip
    """
    Add a term's part to the scores of its rows; return how many are touched now.
    """
    indptr, rows, tf = postings.indptr, postings.rows, postings.tf
    for j in range(indptr[term], indptr[term + 1]):
        row = rows[j]
        if scores[row] == 0.0:
            touched[count] = row
            count += 1
        scores[row] += weight * np.float64(tf[j])
    return count


@kernel
def add_term_where_touched(
    postings: Postings, term: int, weight: float, scores: DoublesOut
) -> None:
    """
    Add a term's part to those scores that are not zero.
    """
    indptr, rows, tf = postings.indptr, postings.rows, postings.tf
    for j in range(indptr[term], indptr[term + 1]):
        if scores[rows[j]] != 0.0:
            scores[rows[j]] += weight * np.float64(tf[j])


@kernel
def length_of(postings: Postings, term: int) -> int:
    """
    How many rows hold a term.
    """
    return int(postings.indptr[term + 1] - postings.indptr[term])


@kernel
def fill_lengths(touched: Ints, norms: Norms, lengths: DoublesOut) -> None:
    """
    Fill in ‖q‖·‖d‖ of rows, with ‖d‖² = L²·A + 2L·B + C.
    """
    a, b, c = norms.a, norms.b, norms.c
    big_l, query_square = norms.big_l, norms.query_square
    for i in range(len(touched)):
        row = touched[i]
        square = c[row] + big_l * (big_l * a[row] + 2.0 * b[row])
        lengths[i] = np.sqrt(square * query_square)


@kernel
def look_at(
    touched: Ints, norms: Norms, columns: Columns, wanted: Wanted,
    scores: DoublesOut, lengths: DoublesOut,
) -> None:  # fmt: skip
    """
    Fill in the lengths of the touched rows. The scores of those that are not accepted
    become `NEVER`.
    """
    fill_lengths(touched, norms, lengths)
    passed = np.empty(len(touched), np.bool_)
    accept(touched, columns, wanted, passed)
    for i in range(len(touched)):
        if not passed[i]:
            scores[touched[i]] = NEVER


@kernel
def list_few(
    postings: Postings, terms: Longs, columns: Columns, wanted: Wanted, listed: IntsOut
) -> int:  # fmt: skip
    """
    List the accepted rows, rising, and return how many there are, if so few have one
    of the brands asked for that scoring them takes less time than adding the *terms*;
    else return -1.
    """
    rows = len(columns.brand_codes)
    postings_left = -(rows // GLANCING)
    for term in terms:
        if term >= 0:
            postings_left += length_of(postings, term)
    few = min(postings_left // SCORING, len(listed) - 1)
    if few <= 0:
        return -1
    brands, codes = wanted.brands, columns.brand_codes
    count = 0
    for row in range(rows):
        listed[count] = row
        count += brands[codes[row]]  # of the last one where there is no brand
        if count > few:
            return -1
    passed = np.empty(count, np.bool_)
    accept(listed[:count], columns, wanted, passed)
    kept = 0
    for i in range(count):
        if passed[i]:
            listed[kept] = listed[i]
            kept += 1
    return kept


@kernel
def full_score(row: int, length: float, forward: Forward, sought: Sought) -> int:
    """
    A row's cosine in billionths, rounded.
    """
    begin, end = forward.indptr[row], forward.indptr[row + 1]
    terms, tf = forward.terms[begin:end], forward.tf[begin:end]
    asked, weights = sought.terms, sought.weights
    total = 0.0
    i = 0
    j = 0
    while i < len(asked) and j < len(terms):
        if asked[i] < terms[j]:
            i += 1
        elif terms[j] < asked[i]:
            j += 1
        else:
            total += weights[i] * np.float64(tf[j])
            i += 1
            j += 1
    if total == 0.0:
        return 0  # a row without terms has no length
    return int(np.rint(total / length / UNIT))


@kernel
def certain_score(
    touched: Ints, lengths: Doubles, scores: Doubles,
    forward: Forward, sought: Sought, best: LongsOut, places: IntsOut,
) -> int:  # fmt: skip
    """
    The least full score of those rows that lead so far, 0 if they are too few: the
    last of the best rows has no less. *best* and *places* are used up.
    """
    kept = 0
    least = 0.0
    for i in range(len(touched)):
        score = scores[touched[i]]
        if score > least * lengths[i]:
            so_far = int(score / lengths[i] / UNIT)
            kept = insert_ranked(best, places, kept, so_far, i)
            if kept == len(best):
                least = best[kept - 1] * UNIT
    if kept < len(best):
        return 0
    worst = full_score(touched[places[0]], lengths[places[0]], forward, sought)
    for i in places[1:]:
        worst = min(worst, full_score(touched[i], lengths[i], forward, sought))
    return worst


@kernel
def contenders(
    touched: IntsOut, lengths: DoublesOut, count: int, scores: DoublesOut,
    worst: int, bound: float,
) -> int:  # fmt: skip
    """
    Keep in *touched* the rows that can reach *worst* when *bound* is added, and return
    how many; the others' scores are zero.
    """
    bar = (worst - 1) * UNIT - bound  # one less than asked: never too strict
    kept = 0
    for i in range(count):
        row = touched[i]
        if scores[row] < bar * lengths[i]:
            scores[row] = 0.0
        else:
            touched[kept] = row
            lengths[kept] = lengths[i]
            kept += 1
    return kept


@kernel
def touch(
    postings: Postings, forward: Forward, sought: Sought, norms: Norms, worst: int,
    columns: Columns, wanted: Wanted, order: Longs, bounds: Doubles,
    scores: DoublesOut, touched: IntsOut, lengths: DoublesOut,
    best: LongsOut, rows: IntsOut,
) -> tuple[int, int, int]:  # fmt: skip
    """
    Take terms until no row can be among the best that is not touched; return how many
    were taken, how many rows are touched, and what the last of the best has at least.

    It looks how far it is only when by the next term it will have added more postings
    than rows are touched, so that looking costs less than adding.
    """
    taken = 0
    count = 0
    known = 0
    added = 0  # postings, since the last look
    while taken < len(order) and bounds[taken] >= (worst - 1) * UNIT:
        at = order[taken]
        if count >= len(best) and added + length_of(postings, sought.terms[at]) > count:
            added = 0
            look_at(
                touched[known:count], norms, columns, wanted, scores, lengths[known:]
            )
            known = count
            certain = certain_score(
                touched[:count], lengths, scores, forward, sought, best, rows
            )
            worst = max(worst, certain)
            if bounds[taken] < (worst - 1) * UNIT:
                break
        count = add_term(
            postings, sought.terms[at], sought.weights[at], scores, touched, count
        )
        added += length_of(postings, sought.terms[at])
        taken += 1
    look_at(touched[known:count], norms, columns, wanted, scores, lengths[known:])
    return taken, count, worst


@kernel
def keep_best(
    touched: Ints, lengths: Doubles, worst: int, forward: Forward, sought: Sought,
    best: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    Score rows in full and keep the best of those that reach *worst*; return how many.
    """
    kept = 0
    for i in range(len(touched)):
        value = full_score(touched[i], lengths[i], forward, sought)
        if value >= worst:
            kept = insert_ranked(best, rows, kept, value, touched[i])
    return kept


@kernel
def best_rows(
    postings: Postings, forward: Forward, sought: Sought, norms: Norms, floor: int,
    columns: Columns, wanted: Wanted,
    scores: DoublesOut, touched: IntsOut, lengths: DoublesOut,
    best: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    Keep the best accepted rows, best first, ties by row; return how many.

    A score is the cosine in billionths, rounded. Rows below *floor*, or below 1, are
    left out. *scores* must be zero, and is so again afterwards; it, *touched* and
    *lengths* have room for every row.
    """
    if len(wanted.brands) > 0:
        few = list_few(postings, sought.terms, columns, wanted, touched)
        if few >= 0:
            fill_lengths(touched[:few], norms, lengths)
            return keep_best(
                touched[:few], lengths, max(floor, 1), forward, sought, best, rows
            )
    order = np.empty(len(sought.terms), np.int64)
    bounds = np.empty(len(sought.terms) + 1, np.float64)
    here = in_turn(postings, sought, norms.query_square, order, bounds)
    order = order[:here]
    taken, count, worst = touch(
        postings, forward, sought, norms, max(floor, 1), columns, wanted,
        order, bounds, scores, touched, lengths, best, rows,
    )  # fmt: skip
    left = 0  # postings
    for at in order[taken:]:
        left += length_of(postings, sought.terms[at])
    added = count  # since the last look
    while taken < here:
        term = sought.terms[order[taken]]
        if added + length_of(postings, term) > count:
            count = contenders(touched, lengths, count, scores, worst, bounds[taken])
            added = 0
            if count * SCORING <= left:
                break
        left -= length_of(postings, term)
        added += length_of(postings, term)
        add_term_where_touched(postings, term, sought.weights[order[taken]], scores)
        taken += 1
    certain = certain_score(
        touched[:count], lengths, scores, forward, sought, best, rows
    )
    worst = max(worst, certain)
    count = contenders(touched, lengths, count, scores, worst, bounds[taken])
    for i in range(count):
        scores[touched[i]] = 0.0
    return keep_best(touched[:count], lengths, worst, forward, sought, best, rows)


@kernel
def all_rows(
    postings: Postings, sought: Sought, norms: Norms, floor: int,
    columns: Columns, wanted: Wanted,
    scores: DoublesOut, touched: IntsOut, lengths: DoublesOut,
    values: LongsOut, rows: IntsOut,
) -> int:  # fmt: skip
    """
    List the accepted rows in no order, with their scores; else as `best_rows`, which
    is slow where many are kept.
    """
    count = 0
    for i in range(len(sought.terms)):
        if sought.terms[i] >= 0:
            count = add_term(
                postings, sought.terms[i], sought.weights[i], scores, touched, count
            )
    look_at(touched[:count], norms, columns, wanted, scores, lengths)
    kept = 0
    for i in range(count):
        row = touched[i]
        if scores[row] > 0.0:
            value = int(np.rint(scores[row] / lengths[i] / UNIT))
            if value >= max(floor, 1):
                values[kept] = value
                rows[kept] = row
                kept += 1
        scores[row] = 0.0
    return kept
