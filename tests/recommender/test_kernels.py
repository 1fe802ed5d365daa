"""
Each kernel against plain numpy.
"""

import numpy as np
import pytest

from numba.core.dispatcher import Dispatcher

from recommender import kernels, search_kernels, word_kernels
from recommender.blob import Blob
from recommender.kernels import read_only
from recommender.segment import hash_keys
from tests.support.sparse import to_sparse


ROWS, TERMS = 60, 25


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


def some(draw, count, of):
    return np.sort(draw.choice(of, count, replace=False)).astype(np.int64)


@pytest.mark.parametrize("room", [kernels, search_kernels, word_kernels])
def test_kernels_call_only_those_of_their_file(room):
    """
    The cache of compiled code does not notice that another file has changed.
    """
    own = [each for each in vars(room).values() if isinstance(each, Dispatcher)]
    called = [
        used
        for each in own
        for name in each.py_func.__code__.co_names
        if isinstance(used := each.py_func.__globals__.get(name), Dispatcher)
    ]

    assert own
    assert {each.py_func.__module__ for each in called} <= {room.__name__}


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
    out = np.full(ROWS, np.nan)

    kernels.square_sums(indptr, tf, out)

    assert out == pytest.approx((dense.astype(np.float64) ** 2).sum(axis=1), rel=1e-14)


def test_norm_parts(draw, dense):
    """
    B(d) = Σ tf²·g and C(d) = Σ tf²·g².
    """
    g = -draw.uniform(0, 9, TERMS)
    b, c = np.full(ROWS, np.nan), np.full(ROWS, np.nan)

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
