"""
Each kernel against plain numpy.
"""

import math

import numpy as np
import pytest

from recommender import kernels
from recommender.blob import Blob
from recommender.kernels import Columns, Norms, Postings, Wanted, read_only
from recommender.segment import hash_keys


ROWS, TERMS = 60, 25
NAN = math.nan


@pytest.fixture(name="draw", params=range(5))
def _draw(request):
    return np.random.default_rng(request.param)


@pytest.fixture(name="dense")
def _dense(draw):
    """
    tf as a dense matrix, a third of it filled, with some rows and terms empty.
    """
    dense = draw.uniform(0.5, 4, (ROWS, TERMS)).astype(np.float32)
    dense[draw.random((ROWS, TERMS)) < 0.7] = 0
    dense[[0, ROWS // 2]] = 0
    dense[:, [0, TERMS - 1]] = 0
    return dense


def to_sparse(dense):
    """
    Return a dense matrix as indptr, columns and values.
    """
    rows, columns = np.nonzero(dense)
    indptr = np.searchsorted(rows, np.arange(len(dense) + 1)).astype(np.int64)
    return indptr, columns.astype(np.int32), dense[rows, columns]


def some(draw, count, of):
    return np.sort(draw.choice(of, count, replace=False)).astype(np.int64)


def test_read_only():
    """
    The same array comes back and cannot be written to.
    """
    array = np.zeros(3)

    assert read_only(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_copy_runs(draw):
    """
    Strings are copied in the order asked for, repeated ones too.
    """
    strings = [draw.bytes(length) for length in (0, 3, 1, 0, 7)]
    blob = Blob.of(strings)
    rows = draw.integers(0, 5, 12)
    offsets = np.concatenate(([0], np.cumsum([len(strings[row]) for row in rows])))
    target = np.zeros(offsets[-1], np.uint8)

    kernels.copy_runs(blob.data, blob.offsets, rows, offsets, target)

    assert target.tobytes() == b"".join(strings[row] for row in rows)


def test_gather_rows(draw, dense):
    """
    Rows land where they are told to, under the terms' new names.
    """
    rows, to_rows = some(draw, 20, ROWS), draw.permutation(20).astype(np.int64)
    renamed = some(draw, TERMS, 2 * TERMS)
    expected = np.zeros((20, 2 * TERMS), np.float32)
    expected[np.ix_(to_rows, renamed)] = dense[rows]
    to_indptr, to_terms, to_tf = to_sparse(expected)
    terms, tf = np.full_like(to_terms, -1), np.zeros_like(to_tf)

    kernels.gather_rows(
        *to_sparse(dense), rows, renamed.astype(np.int32), to_indptr, terms, tf, to_rows
    )

    assert terms.tolist() == to_terms.tolist()
    assert tf.tolist() == to_tf.tolist()


def test_mark_terms(draw, dense):
    """
    Exactly the terms of the rows are marked.
    """
    rows = some(draw, 4, ROWS)
    indptr, terms, _ = to_sparse(dense)
    used = np.zeros(TERMS, np.bool_)

    kernels.mark_terms(indptr, terms, rows, used)

    assert used.tolist() == dense[rows].any(axis=0).tolist()


def test_gather_codes(draw, dense):
    """
    Lists of codes land where they are told to, renamed and in their order.
    """
    indptr, codes, _ = to_sparse(dense)
    rows = some(draw, 20, ROWS)
    to_rows = draw.permutation(20).astype(np.int64)
    renamed = draw.permutation(TERMS).astype(np.int32)
    lists = [codes[indptr[row] : indptr[row + 1]] for row in rows[np.argsort(to_rows)]]
    to_indptr = np.concatenate(([0], np.cumsum([len(one) for one in lists])))
    got = np.full(to_indptr[-1], -1, np.int32)

    kernels.gather_codes(indptr, codes, rows, renamed, to_indptr, got, to_rows)

    assert got.tolist() == renamed[np.concatenate(lists)].tolist()


def test_count_terms(draw, dense):
    """
    Counts are added to what was there.
    """
    _, terms, _ = to_sparse(dense)
    counts = draw.integers(0, 9, TERMS)
    expected = counts + (dense > 0).sum(axis=0)

    kernels.count_terms(terms, counts)

    assert counts.tolist() == expected.tolist()


def test_uncount_terms(draw, dense):
    """
    What the rows hold is taken off.
    """
    indptr, terms, _ = to_sparse(dense)
    rows = some(draw, 10, ROWS)
    counts = (dense > 0).sum(axis=0).astype(np.int32)

    kernels.uncount_terms(indptr, terms, rows.astype(np.int32), counts)

    assert counts.tolist() == (np.delete(dense, rows, axis=0) > 0).sum(axis=0).tolist()


def test_invert(dense):
    """
    Postings are the transposed matrix, rows rising within a term.
    """
    indptr, terms, tf = to_sparse(dense)
    post_indptr, post_rows, post_tf = to_sparse(dense.T)
    rows, values = np.full_like(post_rows, -1), np.zeros_like(post_tf)

    kernels.invert(indptr, terms, tf, post_indptr[:-1].copy(), rows, values)

    assert rows.tolist() == post_rows.tolist()
    assert values.tolist() == post_tf.tolist()


def test_square_sums(dense):
    """
    A(d) = Σ tf².
    """
    indptr, _, tf = to_sparse(dense)
    out = np.full(ROWS, NAN)

    kernels.square_sums(indptr, tf, out)

    assert out == pytest.approx((dense.astype(np.float64) ** 2).sum(axis=1), rel=1e-14)


def test_norm_parts(draw, dense):
    """
    B(d) = Σ tf²·g and C(d) = Σ tf²·g².
    """
    g = -draw.uniform(0, 9, TERMS)
    b, c = np.full(ROWS, NAN), np.full(ROWS, NAN)

    kernels.norm_parts(*to_sparse(dense), g, b, c)

    squares = dense.astype(np.float64) ** 2
    assert b == pytest.approx(squares @ g, rel=1e-13)
    assert c == pytest.approx(squares @ g**2, rel=1e-13)


def test_move_norm_parts(draw, dense):
    """
    B and C moved from an old g to a new one are those of the new one.
    """
    old, new = -draw.uniform(0, 9, TERMS), -draw.uniform(0, 9, TERMS)
    moved = some(draw, 7, TERMS)
    rest = np.setdiff1d(np.arange(TERMS), moved)
    new[rest] = old[rest]
    squares = dense.astype(np.float64) ** 2
    b, c = squares @ old, squares @ old**2

    kernels.move_norm_parts(*to_sparse(dense.T), moved, old[moved], new[moved], b, c)

    assert b == pytest.approx(squares @ new, rel=1e-12)
    assert c == pytest.approx(squares @ new**2, rel=1e-12)


def sorted_hashes(draw, count):
    return np.unique(draw.integers(0, 2**64, count, np.uint64))


@pytest.mark.parametrize("size", [0, 1, 2, 33])
def test_find_sorted(draw, size):
    """
    Each needle's place, -1 for those that are not there, ends of the range included.
    """
    haystack = sorted_hashes(draw, size)
    ends = np.array([0, 2**64 - 1], np.uint64)
    needles = draw.permutation(np.concatenate([haystack, haystack + 1, ends]))
    out = np.full(len(needles), -2)

    kernels.find_sorted(haystack, needles, out)

    places = {value: place for place, value in enumerate(haystack.tolist())}
    assert out.tolist() == [places.get(needle, -1) for needle in needles.tolist()]


@pytest.mark.parametrize("size", [0, 1, 2, 33])
def test_find_first(draw, size):
    """
    The first place that is at least the needle, of several equal ones the first.
    """
    haystack = np.repeat(sorted_hashes(draw, size), 2)

    for needle in [*haystack, *(haystack + np.uint64(1)), np.uint64(0)]:
        assert kernels.find_first(haystack, needle) == np.searchsorted(haystack, needle)


@pytest.mark.parametrize("bits", [64, 2, 0])
def test_find_keys(draw, bits):
    """
    Each key's row, even when hashes collide; -1 for keys that are not there.
    """
    keys = [b"%d" % number for number in draw.permutation(40)]
    here, sought = Blob.of(keys[:30]), Blob.of([*keys, b"", b"4", b"400"])
    mask = np.uint64(2**bits - 1)
    hashes = hash_keys(here) & mask
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    out = np.full(len(sought), -2, np.int32)

    kernels.find_keys(
        hashes[order], order, here.data, here.offsets,
        hash_keys(sought) & mask, sought.data, sought.offsets, out,
    )  # fmt: skip

    rows = {key: row for row, key in enumerate(keys[:30])}
    assert out.tolist() == [rows.get(key, -1) for key in sought]


def test_add_scores(draw, dense):
    """
    Scores are a weighted sum of postings; the rows touched are listed once each.
    """
    terms = draw.permutation(TERMS)[:8].astype(np.int64)
    terms[3] = -1
    weights = draw.uniform(0.1, 5, 8)
    scores, touched = np.zeros(ROWS), np.zeros(ROWS, np.int32)
    postings = Postings(*map(read_only, to_sparse(dense.T)))

    count = kernels.add_scores(postings, terms, weights, scores, touched)

    there = terms >= 0
    expected = dense[:, terms[there]].astype(np.float64) @ weights[there]
    assert scores == pytest.approx(expected, rel=1e-13)
    assert sorted(touched[:count]) == np.flatnonzero(expected).tolist()


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
    assert kernels.is_in_range(price, least, most) is accepted


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


def test_is_accepted(draw):
    """
    A row passes when it is alive, visible, and all that is asked for.
    """
    columns, member = make_columns(draw)

    for _ in range(20):
        wanted = make_wanted(draw)
        got = [kernels.is_accepted(row, columns, wanted) for row in range(ROWS)]
        assert got == accepted_rows(columns, member, wanted).tolist()


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
        if kept < limit or (-value, row) < (-best[kept - 1], kept_rows[kept - 1]):
            kept = kernels.insert_ranked(best, kept_rows, kept, value, row)

    got = list(zip(-best[:kept], kept_rows[:kept], strict=True))
    assert got == ranked[:limit]


def make_scored(draw):
    """
    Return what `best_rows` takes, and the value that each row then has.
    """
    a, b, c = draw.uniform(20, 30, ROWS), draw.uniform(-4, 0, ROWS), draw.random(ROWS)
    big_l, query_square = 3.0, 7.0
    norm = np.sqrt((big_l**2 * a + 2 * big_l * b + c) * query_square)
    cosine = np.round(draw.uniform(0, 1, ROWS), 1)  # with ties
    cosine[draw.random(ROWS) < 0.3] = 0
    touched = draw.permutation(np.flatnonzero(cosine)).astype(np.int32)
    norms = Norms(*map(read_only, (a, b, c)), big_l, query_square)
    return touched, cosine * norm, norms, np.rint(cosine * 1e9).astype(np.int64)


@pytest.mark.parametrize("limit", [1, 5, 100])
@pytest.mark.parametrize("floor", [1, 500_000_000])
def test_best_rows(draw, limit, floor):
    """
    The best accepted rows at or above the floor, ties by row; scores are zero after.
    """
    columns, member = make_columns(draw)
    wanted = make_wanted(draw)
    touched, scores, norms, value = make_scored(draw)
    best, rows = np.zeros(limit, np.int64), np.zeros(limit, np.int32)

    kept = kernels.best_rows(touched, scores, norms, floor, columns, wanted, best, rows)

    candidates = np.flatnonzero(
        accepted_rows(columns, member, wanted) & (value >= max(floor, 1))
    )
    expected = sorted(candidates, key=lambda row: (-value[row], row))[:limit]
    assert rows[:kept].tolist() == expected
    assert best[:kept].tolist() == value[expected].tolist()
    assert not scores.any()


@pytest.mark.parametrize("floor", [0, 500_000_000])
def test_all_rows(draw, floor):
    """
    Every accepted row at or above the floor is listed with its value.
    """
    columns, member = make_columns(draw)
    wanted = make_wanted(draw)
    touched, scores, norms, value = make_scored(draw)
    values, rows = np.zeros(ROWS, np.int64), np.zeros(ROWS, np.int32)

    kept = kernels.all_rows(
        touched, scores, norms, floor, columns, wanted, values, rows
    )

    expected = np.flatnonzero(
        accepted_rows(columns, member, wanted) & (value >= max(floor, 1))
    )
    assert sorted(rows[:kept].tolist()) == expected.tolist()
    assert values[:kept].tolist() == value[rows[:kept]].tolist()
    assert not scores.any()


@pytest.mark.parametrize("limit", [0, 1, 5, 100])
def test_first_accepted(draw, limit):
    """
    The first accepted rows are found in the order given.
    """
    columns, member = make_columns(draw)
    wanted = make_wanted(draw)
    order = draw.permutation(ROWS).astype(np.int32)
    rows = np.zeros(limit, np.int32)

    kept = kernels.first_accepted(order, columns, wanted, rows)

    passed = accepted_rows(columns, member, wanted)
    assert rows[:kept].tolist() == order[passed[order]][:limit].tolist()


def test_dot_with_rows(draw, dense):
    """
    One sparse row times all of them is the dense product.
    """
    indptr, terms, tf = to_sparse(dense)
    hashes = np.sort(draw.integers(0, 1 << 60, TERMS).astype(np.uint64))[terms]
    out = np.empty(ROWS, np.float64)

    for row in (0, 1, ROWS - 1):
        kernels.dot_with_rows(indptr, hashes, tf.astype(np.float64), row, out)
        expected = dense.astype(np.float64) @ dense[row].astype(np.float64)
        assert np.allclose(out, expected, rtol=1e-12, atol=0)
