"""
The inner loops of counting words, compiled as those of `recommender.kernels` are;
`tests/recommender/test_word_kernels.py` holds each against plain Python.
"""

from __future__ import annotations

import math

from typing import Final

import numpy as np

from recommender.kernels import (
    Bytes,
    Doubles,
    DoublesOut,
    Hashes,
    Ints,
    IntsOut,
    Longs,
    LongsOut,
    inner,
    kernel,
)
from recommender.text import LONGEST_WORD, SHORTEST_WORD


BEFORE_TERM: Final = 0xFF  # no UTF-8 holds it
LEAST_TABLE: Final = 1 << 10  # slots; a power of two
# Fowler, Noll and Vo's hash of 64 bits, FNV-1a
FNV_BASIS: Final = np.uint64(0xCBF29CE484222325)
FNV_PRIME: Final = np.uint64(0x100000001B3)


@kernel
def split_words(
    texts: Bytes, offsets: Longs, starts: LongsOut, begins: LongsOut, ends: LongsOut
) -> None:
    """
    Find the words of each piece: letters, digits and underscores, `SHORTEST_WORD` or
    more, cut to `LONGEST_WORD`; or the whole terms of a piece that has `BEFORE_TERM`
    before each. Those of piece i are from starts[i] on.
    """
    found = 0
    for piece in range(len(offsets) - 1):
        at, end = offsets[piece], offsets[piece + 1]
        while at < end and texts[at] == BEFORE_TERM:
            at += 1
            begins[found] = at
            while at < end and texts[at] != BEFORE_TERM:
                at += 1
            ends[found] = at
            found += 1
        while at < end:
            begin = at
            while at < end and (
                ord("a") <= texts[at] <= ord("z")
                or ord("0") <= texts[at] <= ord("9")
                or texts[at] == ord("_")
            ):
                at += 1
            if at - begin >= SHORTEST_WORD:
                begins[found], ends[found] = begin, min(at, begin + LONGEST_WORD)
                found += 1
            at += 1
        starts[piece + 1] = found


@inner
def are_equal(texts: Bytes, one: int, other: int, length: int) -> bool:
    """
    Say whether so many bytes are the same at two places.
    """
    at = 0
    while at < length and texts[one + at] == texts[other + at]:
        at += 1
    return at == length


@inner
def put_words(hashes: Hashes, table: IntsOut) -> None:
    """
    Put the words with these hashes into an empty table.
    """
    for word in range(len(hashes)):
        slot = np.int64(hashes[word] & np.uint64(len(table) - 1))
        while table[slot] != 0:
            slot = (slot + 1) & (len(table) - 1)
        table[slot] = word + 1


@kernel
def name_words(
    texts: Bytes, begins: Longs, ends: Longs, ids: IntsOut, firsts: LongsOut
) -> int:
    """
    Number the words from 0, equal ones alike; return how many different ones there
    are. Fills *firsts* with the place of the first of each.

    An open hash table of which at most half is filled (Knuth 1998, volume 3, 6.4).
    """
    table = np.zeros(LEAST_TABLE, np.int32)  # a word's number and 1
    hashes = np.empty(len(ids), np.uint64)  # of each different word
    found = 0
    for i in range(len(ids)):
        begin, length = begins[i], ends[i] - begins[i]
        code = FNV_BASIS
        for at in range(begin, ends[i]):
            code = (code ^ np.uint64(texts[at])) * FNV_PRIME
        slot = np.int64(code & np.uint64(len(table) - 1))
        while table[slot] != 0:
            other = table[slot] - 1
            same = begins[firsts[other]]
            is_as_long = ends[firsts[other]] - same == length
            is_alike = is_as_long and hashes[other] == code
            if is_alike and are_equal(texts, same, begin, length):
                break
            slot = (slot + 1) & (len(table) - 1)
        if table[slot] == 0:
            hashes[found], firsts[found] = code, i
            found += 1
            table[slot] = found
        ids[i] = table[slot] - 1
        if 2 * found > len(table):
            table = np.zeros(4 * len(table), np.int32)
            put_words(hashes[:found], table)
    return found


@kernel
def weigh_words(
    ids: Ints, starts: Longs, weights: Doubles, sublinear: bool, different: int,
    indptr: LongsOut, terms: IntsOut, tf: DoublesOut,
) -> None:  # fmt: skip
    """
    Fill *indptr*, *terms* and *tf* by rows: tf(d,t) = Σ_f w_f · g(count_f(d,t)), see
    `term_weights`, of *different* words in all.

    Pieces come in order of their fields, then of the rows: one for each of both.
    """
    rows = len(indptr) - 1
    counts = np.empty(different, np.int64)  # of a word in the field at hand
    met = np.empty(different, np.int32)  # the words of that
    last_piece = np.full(different, -1, np.int64)
    last_row = np.full(different, -1, np.int64)
    slots = np.empty(different, np.int64)  # of a word in the row at hand
    pairs = 0
    for row in range(rows):
        for field in range(len(weights)):
            piece = field * rows + row
            words = 0
            for i in range(starts[piece], starts[piece + 1]):
                word = ids[i]
                if last_piece[word] != piece:
                    last_piece[word] = piece
                    counts[word] = 0
                    met[words] = word
                    words += 1
                counts[word] += 1
            for i in range(words):
                word = met[i]
                count = counts[word]
                gain = 1.0 + math.log(count) if sublinear else float(count)
                if last_row[word] != row:
                    last_row[word] = row
                    slots[word] = pairs
                    terms[pairs] = word
                    tf[pairs] = 0.0
                    pairs += 1
                tf[slots[word]] += weights[field] * gain
        indptr[row + 1] = pairs


@kernel
def sort_rows(indptr: Longs, terms: Ints, count: int, order: LongsOut) -> None:
    """
    Fill *order* with what sorts the terms of each row: by two counting sorts, first
    by term, then by row.
    """
    starts = np.zeros(count + 1, np.int64)
    for j in range(len(terms)):
        starts[terms[j] + 1] += 1
    for i in range(count):
        starts[i + 1] += starts[i]
    by_term = np.empty(len(terms), np.int64)
    row_of = np.empty(len(terms), np.int32)
    for row in range(len(indptr) - 1):
        for j in range(indptr[row], indptr[row + 1]):
            at = starts[terms[j]]
            by_term[at] = j
            row_of[at] = row
            starts[terms[j]] = at + 1
    cursor = indptr[:-1].copy()
    for at in range(len(terms)):
        row = row_of[at]
        order[cursor[row]] = by_term[at]
        cursor[row] += 1
