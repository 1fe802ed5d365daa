"""
Each kernel against plain numpy.
"""

import re
import subprocess
import sys

from pathlib import Path

import numpy as np
import pytest

from numba.core.dispatcher import Dispatcher

from recommender import kernels, search_kernels, word_kernels
from recommender.blob import Blob
from recommender.kernels import read_only
from recommender.segment import hash_keys
from tests.support.processes import ROOT
from tests.support.sparse import to_sparse, to_weights


ROWS, TERMS = 60, 25


@pytest.fixture(name="dense")
def _dense(draw):
    """
    tf as a dense matrix, a third of it filled, with some rows and terms empty.
    """
    dense = draw.uniform(0.5, 4, (ROWS, TERMS)).astype(np.float16)
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


ROOMS = (kernels, search_kernels, word_kernels)
# Each kernel that is here with how many types it has been compiled for, or loaded.
LOADED = """
from numba.core.dispatcher import Dispatcher
from recommender import kernels, search_kernels, word_kernels

for room in (kernels, search_kernels, word_kernels):
    for name, each in vars(room).items():
        if isinstance(each, Dispatcher):
            print(name, len(each.overloads))
"""


def inner_names():
    """
    Return what only kernels are to call.
    """
    return {
        name
        for room in ROOMS
        for name, each in vars(room).items()
        if isinstance(each, Dispatcher) and each._can_compile
    }


def test_nobody_but_kernels_calls_inner_ones():
    """
    Such a call would wait for the compiler.
    """
    names = inner_names()
    called = re.compile(rf"kernels\.({'|'.join(names)})\(")
    files = [
        path
        for folder in ("recommender", "server", "listener")
        for path in Path(ROOT, folder).rglob("*.py")
    ]

    assert "add_terms" in names
    assert [path for path in files if called.search(path.read_text("utf-8"))] == []


def test_inner_ones_are_not_loaded():
    """
    A process that finds the others in the cache neither waits for these nor holds them.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    loaded = dict(line.split() for line in done.stdout.splitlines())

    assert {
        name: count for name, count in loaded.items() if count != "1"
    } == dict.fromkeys(inner_names(), "0")


def test_read_only():
    """
    The same array comes back and cannot be written to.
    """
    array = np.zeros(3)

    assert read_only(array) is array
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


@pytest.mark.parametrize("room", [kernels, search_kernels], ids=["kernels", "search"])
def test_widened(room):
    """
    Every half-precision number from 0 to the largest is the double that it is, to the
    bit, the least of them, which have no leading digit, too.
    """
    bits = np.arange(np.float16(np.inf).view(np.uint16), dtype=np.uint16)

    widened = [room.widened(one) for one in bits]

    assert widened == bits.view(np.float16).astype(np.float64).tolist()


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
    expected = np.zeros((20, 2 * TERMS), np.float16)
    expected[np.ix_(to_rows, renamed)] = dense[rows]
    to_indptr, to_terms, to_tf = to_weights(expected)
    terms, tf = np.full_like(to_terms, -1), np.zeros_like(to_tf)

    kernels.gather_rows(
        *to_weights(dense),
        rows,
        renamed.astype(np.int32),
        to_indptr,
        terms,
        tf,
        to_rows,
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
    indptr, terms, tf = to_weights(dense)
    post_indptr, post_rows, post_tf = to_weights(dense.T)
    rows, values = np.full_like(post_rows, -1), np.zeros_like(post_tf)

    kernels.invert(indptr, terms, tf, post_indptr[:-1].copy(), rows, values)

    assert rows.tolist() == post_rows.tolist()
    assert values.tolist() == post_tf.tolist()


def test_square_sums(dense):
    """
    A(d) = Σ tf².
    """
    indptr, _, tf = to_weights(dense)
    out = np.full(ROWS, np.nan)

    kernels.square_sums(indptr, tf, out)

    assert out == pytest.approx((dense.astype(np.float64) ** 2).sum(axis=1), rel=1e-14)


def test_fill_lengths(draw, dense):
    """
    ‖d‖ of each row, in single precision, and the same of some rows.
    """
    g, big_l = -draw.uniform(0, 9, TERMS), 12.0
    rows = some(draw, 7, ROWS).astype(np.int32)
    lengths, few = np.full(ROWS, np.nan, np.float32), np.full(7, np.nan, np.float32)

    kernels.fill_lengths(*to_weights(dense.T), g, big_l, np.zeros(ROWS), lengths)
    kernels.fill_lengths_of(*to_weights(dense), g, big_l, rows, few)

    squares = dense.astype(np.float64) ** 2
    assert lengths == pytest.approx(np.sqrt(squares @ (big_l + g) ** 2), rel=1e-6)
    assert few == pytest.approx(lengths[rows], rel=2e-7)


def test_gather_postings(draw, dense):
    """
    The rows of each term, one term after the other.
    """
    terms = some(draw, 7, TERMS)
    expected = [row for term in terms for row in np.flatnonzero(dense[:, term])]
    rows = np.full(len(expected), -1, np.int32)
    post_indptr, post_rows, _ = to_weights(dense.T)

    kernels.gather_postings(post_indptr, post_rows, terms, rows)

    assert rows.tolist() == expected


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


@pytest.mark.parametrize("size", [0, 1, 2, 33, 1_000])
def test_find_sorted_needles_that_rise(draw, size):
    """
    So it is with needles that rise, few or many, some of them twice.
    """
    haystack = sorted_hashes(draw, size)
    ends = np.array([0, 2**64 - 1], np.uint64)
    for count in (0, 3, 100):
        between = draw.integers(0, 2**64, count, np.uint64)
        chosen = draw.choice(haystack, count) if size else ends
        needles = np.sort(np.concatenate([between, chosen, chosen[:1], ends]))
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
