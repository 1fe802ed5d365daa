"""
Each kernel of counting words against plain Python.
"""

import re

import numpy as np

from hypothesis import given
from hypothesis import strategies as st

from recommender import word_kernels
from recommender.blob import Blob
from recommender.kernels import read_only
from recommender.text import LONGEST_WORD


TEXTS = st.text("ab1_ -", max_size=8)
PIECES = st.lists(TEXTS | st.lists(TEXTS, min_size=1, max_size=3), max_size=12)


def to_piece(piece: str | list[str]) -> bytes:
    """
    Return the words of a text, or whole terms, as the kernel takes them.
    """
    if isinstance(piece, str):
        return piece.encode()
    return b"".join(b"\xff" + term.encode() for term in piece)


@given(PIECES)
def test_split_words(pieces):
    """
    Words are those of the pattern; whole terms are what they are.
    """
    blob = Blob.of([to_piece(piece) for piece in pieces])
    starts = np.zeros(len(pieces) + 1, np.int64)
    begins, ends = np.empty((2, 200), np.int64)
    word_kernels.split_words(blob.data, blob.offsets, starts, begins, ends)

    text = blob.data.tobytes()
    for i, piece in enumerate(pieces):
        spans = zip(
            begins[starts[i] : starts[i + 1]],
            ends[starts[i] : starts[i + 1]],
            strict=True,
        )
        found = [text[begin:end].decode() for begin, end in spans]
        is_text = isinstance(piece, str)
        assert found == (re.findall(r"[a-z0-9_]{2,}", piece) if is_text else piece)


def test_split_words_cuts():
    """
    A word ends after the longest length, and begins no second one there.
    """
    blob = Blob.of([b"x" * (3 * LONGEST_WORD)])
    starts = np.zeros(2, np.int64)
    begins, ends = np.empty((2, 200), np.int64)
    word_kernels.split_words(blob.data, blob.offsets, starts, begins, ends)

    assert (starts[1], begins[0], ends[0]) == (1, 0, LONGEST_WORD)


@given(st.lists(st.binary(max_size=3), max_size=50))
def test_name_words(words):
    """
    Equal words have equal numbers, given in the order in which they first come.
    """
    blob = Blob.of(words)
    ids, firsts = np.empty(len(words), np.int32), np.empty(len(words), np.int64)
    begins, ends = (
        read_only(blob.offsets[:-1].copy()),
        read_only(blob.offsets[1:].copy()),
    )
    found = word_kernels.name_words(blob.data, begins, ends, ids, firsts)

    different = list(dict.fromkeys(words))
    assert found == len(different)
    assert [different[i] for i in ids] == words
    assert [words[i] for i in firsts[:found]] == different


@given(st.lists(st.lists(st.integers(0, 9), unique=True, max_size=9), max_size=9))
def test_sort_rows(rows):
    """
    The order sorts each row by itself.
    """
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    terms = np.array([term for row in rows for term in row], np.int32)
    order = np.empty(len(terms), np.int64)
    word_kernels.sort_rows(indptr, terms, 10, order)

    assert terms[order].tolist() == [term for row in rows for term in sorted(row)]
