"""
The best rows, and what leads to them, against plain numpy.
"""

import math

from dataclasses import dataclass

import numpy as np
import pytest

from numpy.typing import NDArray

from recommender import search_kernels
from recommender.kernels import Forward, Postings, read_only
from recommender.search_kernels import (
    Columns,
    Norms,
    Sought,
    Wanted,
)
from tests.support.sparse import to_sparse, to_weights


ROWS, TERMS = 60, 25
MANY_ROWS, MANY_TERMS = 500, 80
STRETCHES = 4 * search_kernels.STRETCH + 10  # rows
NAN = math.nan


@dataclass
class Asked:
    """
    A query of a segment, with the score that each row then has.
    """

    tf: NDArray[np.float32]
    postings: Postings
    forward: Forward
    sought: Sought
    norms: Norms
    value: NDArray[np.int64]


def make_asked(draw, rows=MANY_ROWS):
    """
    Return a query like a product, over terms of which few are in many rows; every
    product has a twin, so that there are ties.
    """
    share = np.linspace(0.01, 0.9, MANY_TERMS) ** 3
    filled = draw.random((rows, MANY_TERMS)) < share
    tf = (draw.integers(1, 4, filled.shape) * filled).astype(np.float16)
    tf[1::2] = tf[::2]
    seen = tf[draw.integers(rows)].astype(np.float64)
    seen[draw.integers(MANY_TERMS)] = 0
    terms = np.flatnonzero(seen)
    places = np.where(draw.random(len(terms)) < 0.1, -1, terms)
    idf = 3 + np.log((1 + len(tf)) / (1 + np.count_nonzero(tf, axis=0)))
    big_l = float(idf.max())
    g = idf - big_l
    squares = tf.astype(np.float64) ** 2
    lengths = np.sqrt(squares @ idf**2)
    query_square = float(((seen * idf) ** 2).sum())
    norms = Norms(
        read_only(g),
        big_l,
        query_square,
        # as they were when they could be up to 1 % longer
        read_only((lengths * draw.uniform(0.9, 1.01, rows)).astype(np.float32)),
        1 / 1.01,
    )
    weights = seen[terms] * idf[terms] ** 2
    there = places >= 0
    dots = tf[:, terms[there]].astype(np.float64) @ weights[there]
    lengths *= np.sqrt(query_square)
    cosine = np.divide(dots, lengths, out=np.zeros(rows), where=lengths > 0)
    return Asked(
        tf,
        Postings(*map(read_only, to_weights(tf.T))),
        Forward(*map(read_only, to_weights(tf))),
        Sought(*map(read_only, (places, weights))),
        norms,
        np.rint(cosine * 1e9).astype(np.int64),
    )


def make_nothing():
    """
    Return filters that ask for nothing.
    """
    every, none = read_only(np.zeros(0, np.bool_)), read_only(np.zeros(0))
    return Wanted(every, every, every, every, -1, NAN, NAN, none, none)


def ask(asked, columns, wanted, limit, floor=1):
    """
    Return rows and values of the best, and whether all scores are zero afterwards.
    """
    scores = np.zeros(len(asked.tf), np.float32)
    best, rows = np.zeros(limit, np.int64), np.zeros(limit, np.int32)
    kept = search_kernels.best_rows(
        asked.postings, asked.forward, asked.sought, asked.norms, floor,
        columns, wanted, scores, best, rows,
    )  # fmt: skip
    return rows[:kept].tolist(), best[:kept].tolist(), not scores.any()


def expected_of(asked, passed, limit, floor=1):
    """
    Return what `ask` should.
    """
    value = asked.value
    candidates = np.flatnonzero(passed & (value >= floor))
    ranked = sorted(candidates, key=lambda row: (-value[row], row))[:limit]
    return ranked, value[ranked].tolist(), True


@pytest.fixture(name="asked")
def _asked(draw):
    return make_asked(draw)


@pytest.mark.parametrize(
    ("price", "least", "most", "accepted"),
    [
        (5, NAN, NAN, True),
        (NAN, NAN, NAN, True),
        (5, 5, 5, True),
        (5, 5.01, NAN, False),
        (5, NAN, 4.99, False),
        (NAN, 0, NAN, False),
        (NAN, NAN, 9, False),
        (0, 0, 0, True),
    ],
)
def test_is_in_range(price, least, most, accepted):
    """
    Limits are inclusive, NaN is no limit, and a product without a price is in none.
    """
    assert search_kernels.is_in_range(price, least, most) is accepted


def make_columns(draw, rows=ROWS):
    """
    Return filter columns of *rows* rows: 4 categories, 3 brands.
    """
    member = draw.random((rows, 4)) < 0.4
    indptr, codes, _ = to_sparse(member.astype(np.float32))
    columns = Columns(
        dead=draw.random(rows) < 0.2,
        visible=draw.random(rows) < 0.8,
        in_stock=draw.random(rows) < 0.6,
        price=np.where(draw.random(rows) < 0.2, NAN, draw.uniform(0, 10, rows)),
        category_indptr=indptr,
        category_codes=codes,
        brand_codes=draw.integers(-1, 3, rows).astype(np.int32),
    )
    for column in columns:
        read_only(column)
    return columns, member


def make_wanted(draw):
    """
    Return filters, each of them unset half of the time.
    """

    def unset():
        return draw.random() < 0.5

    return Wanted(
        categories=read_only(draw.random(0 if unset() else 4) < 0.5),
        within=read_only(draw.random(0 if unset() else 4) < 0.7),
        unwanted=read_only(draw.random(0 if unset() else 4) < 0.2),
        brands=read_only(draw.random(0 if unset() else 4) < 0.5),
        stock=-1 if unset() else int(draw.integers(2)),
        min_price=NAN if unset() else draw.uniform(0, 5),
        max_price=NAN if unset() else draw.uniform(5, 10),
        **make_ranges(draw, 0 if unset() else 2),
    )


def make_ranges(draw, count):
    """
    Return *count* ranges of prices.
    """
    bounds = np.sort(draw.uniform(0, 10, (2, count)), axis=0)
    return {"lows": read_only(bounds[0]), "highs": read_only(bounds[1])}


def accepted_rows(columns, member, wanted):
    """
    Return which rows pass the filters, in plain numpy.
    """
    price = columns.price[:, None]
    in_ranges = (price >= wanted.lows) & (price <= wanted.highs)
    tests = [
        (wanted.stock >= 0, columns.in_stock == bool(wanted.stock)),
        (not math.isnan(wanted.min_price), columns.price >= wanted.min_price),
        (not math.isnan(wanted.max_price), columns.price <= wanted.max_price),
        (len(wanted.lows), in_ranges.any(axis=1)),
    ]
    if len(wanted.brands):
        # -1, for no brand, is the last place
        tests.append((True, wanted.brands[columns.brand_codes]))
    for table, is_good in (
        (wanted.categories, True),
        (wanted.within, True),
        (wanted.unwanted, False),
    ):
        if len(table):
            tests.append((True, (member & table).any(axis=1) == is_good))
    asked = [passed for is_asked, passed in tests if is_asked]
    return np.all([~columns.dead, columns.visible, *asked], axis=0)


def test_accept(draw):
    """
    A row passes when it is alive, visible, and all that is asked for.
    """
    columns, member = make_columns(draw)
    rows = draw.permutation(ROWS).astype(np.int32)

    for _ in range(20):
        wanted = make_wanted(draw)
        passed = np.zeros(ROWS, np.bool_)
        search_kernels.accept(rows, columns, wanted, passed)
        assert passed.tolist() == accepted_rows(columns, member, wanted)[rows].tolist()


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_insert_ranked(draw, limit):
    """
    However they come, the best are kept in order: higher values, then lower rows.
    """
    values, rows = draw.integers(1, 6, 30), draw.permutation(30)
    best, kept_rows = np.zeros(limit, np.int64), np.zeros(limit, np.int32)
    ranked = sorted(zip(-values, rows, strict=True))
    kept = 0

    for value, row in zip(values, rows, strict=True):
        kept = search_kernels.insert_ranked(best, kept_rows, kept, value, row)

    got = list(zip(-best[:kept], kept_rows[:kept], strict=True))
    assert got == ranked[:limit]


def test_add_terms(asked):
    """
    The parts of all terms that are here are added to scores.
    """
    there = asked.sought.terms >= 0
    terms, weights = asked.sought.terms[there], asked.sought.weights[there]
    scores = np.ones(MANY_ROWS, np.float32)

    search_kernels.add_terms(asked.postings, asked.sought, scores)

    expected = 1 + asked.tf[:, terms] @ weights
    assert scores == pytest.approx(expected, rel=1e-5)


def test_full_score(asked):
    """
    A row's value by its own terms is what numpy says, if it can pass the bar.
    """
    sought = search_kernels.looked_up(asked.sought)

    def scores(bar):
        return [
            search_kernels.full_score(row, asked.forward, sought, asked.norms, bar)
            for row in range(MANY_ROWS)
        ]

    worst = int(np.median(asked.value))
    bar = search_kernels.bar_for(worst, len(asked.sought.terms), asked.norms)
    above = np.array(scores(bar))
    reached = asked.value >= worst

    assert scores(0.0) == asked.value.tolist()
    assert above[reached].tolist() == asked.value[reached].tolist()
    assert not above.all()
    assert set(above[~reached].tolist()) <= {0, *asked.value[~reached].tolist()}


def test_square_of(asked):
    """
    ‖d‖² of a row is what numpy says.
    """
    norms = asked.norms

    got = [
        search_kernels.square_of(row, asked.forward, norms.g, norms.big_l)
        for row in range(MANY_ROWS)
    ]

    expected = (asked.tf.astype(np.float64) * (norms.big_l + norms.g)) ** 2
    assert got == pytest.approx(expected.sum(axis=1), rel=1e-13)


def met(asked, bits):
    """
    Yield the places of the terms with these last bits.
    """
    place = asked.first[bits]
    while place >= 0:
        yield place
        place = asked.after[place]


@pytest.mark.parametrize(
    "terms",
    [[], [-1, -1], [5], [0, 1, 2, 3], [7, 7 + 128, -1, 7 + 256, 9, 7 + 2**20]],
    ids=["none", "none here", "one", "neighbours", "the same bits"],
)
def test_looked_up(terms):
    """
    Every term that the segment holds is found by its last bits, and no other.
    """
    weights = read_only(np.ones(len(terms)))
    sought = Sought(read_only(np.array(terms, np.int64)), weights)

    asked = search_kernels.looked_up(sought)

    size = len(asked.first)
    found = [[terms[place] for place in met(asked, bits)] for bits in range(size)]
    here = [term for term in reversed(terms) if term >= 0]
    assert found == [
        [term for term in here if term % size == bits] for bits in range(size)
    ]


def test_marks(draw):
    """
    Rows whose score is above the bar are marked, and listed from where they begin;
    then no mark is left.
    """
    scores, lengths = (
        read_only(draw.uniform(0, 2, 100).astype(np.float32)) for _ in range(2)
    )
    marks, listed = np.zeros(104, np.uint8), np.zeros(104, np.int32)

    search_kernels.mark(scores, lengths, 0.8, marks)
    count = search_kernels.list_marked(marks, 1_000, listed)

    is_marked = scores > 0.8 * lengths
    assert listed[:count].tolist() == (np.flatnonzero(is_marked) + 1_000).tolist()
    assert 0 < count < 100
    assert not marks.any()


def test_rarest(asked):
    """
    The rows of the rarest terms that are here are listed, as long as all of a term's
    have room.
    """
    frequencies = np.count_nonzero(asked.tf, axis=0)
    terms = asked.sought.terms[asked.sought.terms >= 0]
    rising = np.sort(frequencies[terms])
    listed = np.zeros(rising[:3].sum() - 1, np.int32)

    count = search_kernels.list_rarest(asked.postings, asked.sought.terms, listed)

    rare = terms[frequencies[terms] <= rising[1]]
    assert count == rising[:2].sum()
    assert asked.tf[:, rare].any(axis=1)[listed[:count]].all()


@pytest.mark.parametrize(("count", "room"), [(0, 10), (10, 10), (11, 10), (3, 0)])
def test_list_brand(draw, count, room):
    """
    Rows with one of the brands are listed, rising, if there is room for all.
    """
    codes = np.where(np.arange(MANY_ROWS) < count, 1, -1).astype(np.int32)
    codes = read_only(draw.permutation(codes))
    brands = read_only(np.array([False, True, False, False]))
    listed = np.zeros(room, np.int32)

    found = search_kernels.list_brand(codes, brands, listed)

    if count > room:
        assert found == -1
    else:
        assert listed[:found].tolist() == np.flatnonzero(codes == 1).tolist()


def test_worth_listing(asked):
    """
    The more postings, the more rows are worth it.
    """
    there = asked.sought.terms[asked.sought.terms >= 0]
    postings = np.count_nonzero(asked.tf[:, there])
    many = read_only(np.repeat(asked.sought.terms, 1_000))

    worth = search_kernels.worth_listing(asked.postings, many)

    assert worth == postings * 1_000 // search_kernels.SCORING > 0
    assert search_kernels.worth_listing(asked.postings, many[:0]) == 0


@pytest.mark.parametrize("limit", [1, 5, 1_000])
def test_best_rows_of_a_brand(draw, limit):
    """
    The best rows of a brand that few have are the best of those, as of any others.
    """
    for _ in range(20):
        asked = make_asked(draw)
        columns, member = make_columns(draw, MANY_ROWS)
        codes = np.where(draw.random(MANY_ROWS) < 0.005, 1, 0).astype(np.int32)
        columns = columns._replace(brand_codes=read_only(codes))
        brands = read_only(np.array([False, True, False, False]))
        wanted = make_wanted(draw)._replace(brands=brands)
        passed = accepted_rows(columns, member, wanted)

        got = ask(asked, columns, wanted, limit)

        assert got == expected_of(asked, passed, limit)


@pytest.mark.parametrize("limit", [1, 100, 4_000])
def test_best_of_many_rows(draw, limit):
    """
    The best are found where there are several stretches of rows, and the last is not
    full.
    """
    columns, member = make_columns(draw, STRETCHES)
    wanted = make_wanted(draw)
    passed = accepted_rows(columns, member, wanted)
    asked = make_asked(draw, STRETCHES)

    assert ask(asked, columns, wanted, limit) == expected_of(asked, passed, limit)


@pytest.mark.parametrize("limit", [1, 5, 100, 1_000])
@pytest.mark.parametrize("floor", [1, 300_000_000])
def test_best_rows(draw, limit, floor):
    """
    The best accepted rows at or above the floor, ties by row; scores are zero after.
    """
    for _ in range(20):
        asked = make_asked(draw)
        columns, member = make_columns(draw, MANY_ROWS)
        wanted = make_wanted(draw)
        passed = accepted_rows(columns, member, wanted)

        got = ask(asked, columns, wanted, limit, floor)

        assert got == expected_of(asked, passed, limit, floor)


MANY = search_kernels.RAREST + 10  # dead rows, so that no term of theirs is rare


def make_asked_for_last(*living, common):
    """
    Return a query like the last row, where every idf is 3, of rows that live behind
    `MANY` dead ones like *common*; and the columns.
    """
    tf = np.array([*[common] * MANY, *living]).astype(np.float16)
    squares = (tf.astype(np.float64) ** 2).sum(axis=1)
    lengths = 3.0 * np.sqrt(squares)
    norms = Norms(
        read_only(np.zeros(tf.shape[1])), 3.0, 9.0 * squares[-1],
        read_only(lengths.astype(np.float32)), 1.0,
    )  # fmt: skip
    weights = 9.0 * tf[-1].astype(np.float64)
    cosine = tf.astype(np.float64) @ weights / (lengths * lengths[-1])
    columns, _ = make_columns(np.random.default_rng(0), len(tf))
    dead, visible = np.arange(len(tf)) < MANY, np.ones(len(tf), np.bool_)
    return (
        Asked(
            tf,
            Postings(*map(read_only, to_weights(tf.T))),
            Forward(*map(read_only, to_weights(tf))),
            Sought(read_only(np.arange(len(weights))), read_only(weights)),
            norms,
            np.rint(cosine * 1e9).astype(np.int64),
        ),
        columns._replace(dead=read_only(dead), visible=read_only(visible)),
    )


def test_row_is_found_whose_sum_loses_most_of_what_it_is():
    """
    Single precision loses each of many small parts that are added to a great one: then
    the best row seems to be worse than another, and is found all the same.
    """
    best = [1.0, *[2.0**-12.25] * 1_000]
    asked, columns = make_asked_for_last([1.0, *[0.0] * 1_000], best, common=best)

    sums = np.zeros(len(asked.tf), np.float32)
    search_kernels.add_terms(asked.postings, asked.sought, sums)

    assert sums[MANY] == sums[MANY + 1]
    assert asked.value[MANY] < 10**9 - 10_000
    assert ask(asked, columns, make_nothing(), 1) == ([MANY + 1], [10**9], True)


def test_row_is_found_whose_score_is_rounded_up_to_the_least():
    """
    A cosine of 0.9 billionths is one.
    """
    asked, columns = make_asked_for_last(
        [0, 1e-4, 1e-4, 1e-4], [65_504, 1e-4, 0, 0], common=[1, 1, 1, 1]
    )

    assert asked.value[MANY:].tolist() == [1, 10**9]
    assert ask(asked, columns, make_nothing(), 2) == (
        [MANY + 1, MANY],
        [10**9, 1],
        True,
    )


def test_row_without_rare_terms_ties_with_one_that_is_scored_before():
    """
    Of equals the first row is the best, though one with a rare term is scored first.
    """
    asked, columns = make_asked_for_last(
        [1, 1, 0], [1, 0, 1], [1, 1, 1], common=[1, 1, 0]
    )
    dead = columns.dead.copy()
    dead[-1] = True
    columns = columns._replace(dead=read_only(dead))

    value = asked.value[MANY]
    assert asked.value[MANY + 1] == value
    assert ask(asked, columns, make_nothing(), 1) == ([MANY], [value], True)


def test_query_of_nothing(draw):
    """
    A query without terms, or of none that are here, finds nothing.
    """
    columns, _ = make_columns(draw, MANY_ROWS)
    asked = make_asked(draw)
    absent = read_only(np.full(len(asked.sought.terms), -1))

    for sought in (
        asked.sought._replace(terms=absent),
        Sought(*(read_only(part[:0]) for part in asked.sought)),
    ):
        asked.sought = sought
        assert ask(asked, columns, make_nothing(), 5) == ([], [], True)


def test_touched_rows(draw, asked):
    """
    Every accepted row that holds a term is listed, with what its value is made of.
    """
    columns, member = make_columns(draw, MANY_ROWS)
    wanted = make_wanted(draw)
    totals, rows = np.full(MANY_ROWS, np.nan), np.zeros(MANY_ROWS, np.int32)

    count = search_kernels.touched_rows(
        asked.postings, asked.sought, columns, wanted, totals, rows
    )
    values = np.zeros(count, np.int64)
    search_kernels.values_of(
        rows[:count], totals[:count], asked.forward, asked.norms, values
    )

    passed = accepted_rows(columns, member, wanted) & (asked.value > 0)
    assert rows[:count].tolist() == np.flatnonzero(passed).tolist()
    assert values.tolist() == asked.value[passed].tolist()


@pytest.mark.parametrize("limit", [0, 1, 5, 100])
def test_first_accepted(draw, limit):
    """
    The first accepted rows are found in the order given.
    """
    columns, member = make_columns(draw)
    wanted = make_wanted(draw)
    order = draw.permutation(ROWS).astype(np.int32)
    rows = np.zeros(limit, np.int32)

    kept = search_kernels.first_accepted(order, columns, wanted, rows)

    passed = accepted_rows(columns, member, wanted)
    assert rows[:kept].tolist() == order[passed[order]][:limit].tolist()
