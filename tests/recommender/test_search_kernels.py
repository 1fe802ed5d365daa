"""
The best rows, and what leads to them, against plain numpy.
"""

import math

from dataclasses import dataclass

import numpy as np
import pytest

from numpy.typing import NDArray

from recommender import search_kernels
from recommender.kernels import read_only
from recommender.search_kernels import (
    Columns,
    Forward,
    Norms,
    Postings,
    Sought,
    Wanted,
)
from tests.support.sparse import to_sparse


ROWS, TERMS = 60, 25
MANY_ROWS, MANY_TERMS = 500, 80
NAN = math.nan


@dataclass
class Asked:
    """
    A query of a segment, with the score that each row then has.
    """

    postings: Postings
    forward: Forward
    sought: Sought
    norms: Norms
    value: NDArray[np.int64]


def make_asked(draw):
    """
    Return a query like a product, over terms of which few are in many rows; every
    product has a twin, so that there are ties.
    """
    how_many = MANY_ROWS * np.linspace(0.01, 0.9, MANY_TERMS) ** 3
    filled = draw.random((MANY_ROWS, MANY_TERMS)) < how_many / MANY_ROWS
    tf = (draw.integers(1, 4, filled.shape) * filled).astype(np.float32)
    tf[1::2] = tf[::2]
    idf = 1 + np.log((1 + MANY_ROWS) / (1 + filled.sum(axis=0)))
    big_l = float(idf.max())
    seen = tf[draw.integers(MANY_ROWS)].astype(np.float64)
    seen[draw.integers(MANY_TERMS)] = 0
    terms = np.flatnonzero(seen)
    places = np.where(draw.random(len(terms)) < 0.1, -1, terms)
    g = idf - big_l
    squares = tf.astype(np.float64) ** 2
    norms = Norms(
        *map(read_only, (squares.sum(axis=1), squares @ g, squares @ g**2)),
        big_l,
        float(((seen * idf) ** 2).sum()),
    )
    weights = seen[terms] * idf[terms] ** 2
    there = places >= 0
    dots = tf[:, terms[there]].astype(np.float64) @ weights[there]
    lengths = np.sqrt((squares @ idf**2) * norms.query_square)
    cosine = np.divide(dots, lengths, out=np.zeros(MANY_ROWS), where=lengths > 0)
    return Asked(
        Postings(*map(read_only, to_sparse(tf.T))),
        Forward(*map(read_only, to_sparse(tf))),
        Sought(*map(read_only, (places, weights, (seen[terms] * idf[terms]) ** 2))),
        norms,
        np.rint(cosine * 1e9).astype(np.int64),
    )


def make_nothing():
    """
    Return filters that ask for nothing.
    """
    every, none = read_only(np.zeros(0, np.bool_)), read_only(np.zeros(0))
    return Wanted(every, every, every, every, -1, NAN, NAN, none, none)


def make_room():
    """
    Return scores, a list to fill and lengths.
    """
    return np.zeros(MANY_ROWS), np.zeros(MANY_ROWS, np.int32), np.zeros(MANY_ROWS)


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


def test_in_turn(asked):
    """
    Terms that say much in few rows come first, and what is left of the query at each
    of them is what the others' squares sum up to.
    """
    sought, postings = asked.sought, asked.postings
    order = np.zeros(len(sought.terms), np.int64)
    bounds = np.zeros(len(order) + 1)

    count = search_kernels.in_turn(
        postings, sought, asked.norms.query_square, order, bounds
    )

    taken = order[:count]
    assert sorted(taken) == np.flatnonzero(sought.terms >= 0).tolist()
    rows = np.diff(postings.indptr)[sought.terms[taken]]
    assert (np.diff(sought.squares[taken] / rows) <= 0).all()
    left = np.append(np.cumsum(sought.squares[taken][::-1])[::-1], 0)
    expected = np.sqrt(left / asked.norms.query_square)
    assert bounds[: count + 1] == pytest.approx(expected)


def test_most_postings_are_left_alone(draw):
    """
    The terms taken until nothing else can be among the best are in few rows.
    """
    every, taken = 0, 0
    nothing = make_nothing()
    columns, _ = make_columns(draw, MANY_ROWS)
    for _ in range(50):
        asked = make_asked(draw)
        order = np.zeros(len(asked.sought.terms), np.int64)
        bounds = np.zeros(len(order) + 1)
        count = search_kernels.in_turn(
            asked.postings, asked.sought, asked.norms.query_square, order, bounds
        )
        rows = np.diff(asked.postings.indptr)[asked.sought.terms[order[:count]]]
        terms, _, _ = search_kernels.touch(
            asked.postings, asked.forward, asked.sought, asked.norms, 1, columns,
            nothing, order[:count], bounds, *make_room(),
            np.zeros(5, np.int64), np.zeros(5, np.int32),
        )  # fmt: skip
        every += rows.sum()
        taken += rows[:terms].sum()

    assert 0 < taken < every * 2 / 3


@pytest.mark.parametrize(("count", "is_listed"), [(0, True), (8, True), (400, False)])
def test_brand_of_few_rows(draw, count, is_listed):
    """
    Where few rows have the brand asked for, those accepted are listed, in order; where
    many have it, they are not.
    """
    columns, member = make_columns(draw, MANY_ROWS)
    codes = np.where(np.arange(MANY_ROWS) < count, 1, -1).astype(np.int32)
    columns = columns._replace(brand_codes=read_only(draw.permutation(codes)))
    brands = read_only(np.array([False, True, False, False]))
    wanted = make_wanted(draw)._replace(brands=brands)
    asked = make_asked(draw)
    listed = np.zeros(MANY_ROWS, np.int32)

    few = search_kernels.list_few(
        asked.postings, asked.sought.terms, columns, wanted, listed
    )

    assert (few >= 0) is is_listed
    if is_listed:
        expected = np.flatnonzero(accepted_rows(columns, member, wanted))
        assert listed[:few].tolist() == expected.tolist()


@pytest.mark.parametrize("limit", [1, 5, 1_000])
def test_best_rows_of_a_brand(draw, limit):
    """
    The best rows of a brand that few have are the best of those, as of any others.
    """
    for _ in range(20):
        asked = make_asked(draw)
        columns, member = make_columns(draw, MANY_ROWS)
        codes = np.where(draw.random(MANY_ROWS) < 0.02, 1, 0).astype(np.int32)
        columns = columns._replace(brand_codes=read_only(codes))
        brands = read_only(np.array([False, True, False, False]))
        wanted = make_wanted(draw)._replace(brands=brands)
        room = make_room()
        best, rows = np.zeros(limit, np.int64), np.zeros(limit, np.int32)

        kept = search_kernels.best_rows(
            asked.postings, asked.forward, asked.sought, asked.norms, 1,
            columns, wanted, *room, best, rows,
        )  # fmt: skip

        value = asked.value
        candidates = np.flatnonzero(
            accepted_rows(columns, member, wanted) & (value >= 1)
        )
        expected = sorted(candidates, key=lambda row: (-value[row], row))[:limit]
        assert rows[:kept].tolist() == expected
        assert best[:kept].tolist() == value[expected].tolist()
        assert not room[0].any()


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
        room = make_room()
        best, rows = np.zeros(limit, np.int64), np.zeros(limit, np.int32)

        kept = search_kernels.best_rows(
            asked.postings, asked.forward, asked.sought, asked.norms, floor,
            columns, wanted, *room, best, rows,
        )  # fmt: skip

        value = asked.value
        candidates = np.flatnonzero(
            accepted_rows(columns, member, wanted) & (value >= floor)
        )
        expected = sorted(candidates, key=lambda row: (-value[row], row))[:limit]
        assert rows[:kept].tolist() == expected
        assert best[:kept].tolist() == value[expected].tolist()
        assert not room[0].any()


@pytest.mark.parametrize("floor", [0, 300_000_000])
def test_all_rows(draw, asked, floor):
    """
    Every accepted row at or above the floor is listed with its value.
    """
    columns, member = make_columns(draw, MANY_ROWS)
    wanted = make_wanted(draw)
    room = make_room()
    values, rows = np.zeros(MANY_ROWS, np.int64), np.zeros(MANY_ROWS, np.int32)

    kept = search_kernels.all_rows(
        asked.postings, asked.sought, asked.norms, floor,
        columns, wanted, *room, values, rows,
    )  # fmt: skip

    expected = np.flatnonzero(
        accepted_rows(columns, member, wanted) & (asked.value >= max(floor, 1))
    )
    assert sorted(rows[:kept].tolist()) == expected.tolist()
    assert values[:kept].tolist() == asked.value[rows[:kept]].tolist()
    assert not room[0].any()


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
