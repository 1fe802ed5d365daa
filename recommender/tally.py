"""
The terms of many products at once.

The same as `term_weights` and `term_hash` of each product one after the other, which
stay the reference, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from numpy.typing import NDArray

from recommender.blob import Blob
from recommender.kernels import Doubles, Halves, Hashes, Ints, Longs
from recommender.product import Product
from recommender.text import (
    encode,
    term_hash,
    to_brand_term,
    to_category_terms,
    to_words,
)
from recommender.weights import HEAVIEST, Weights
from recommender.word_kernels import (
    BEFORE_TERM,
    name_words,
    sort_rows,
    split_words,
    weigh_words,
)


SHORTEST_TERM: Final = 2  # bytes, with what parts it from the next

_BEFORE: Final = bytes([BEFORE_TERM])


@dataclass(frozen=True, slots=True)
class Terms:
    """
    tf(d, t) of R products over T terms.

    Attributes:
        indptr: Where each product's terms begin, (R + 1,).
        terms: Places in `dictionary`, rising within a row.
        tf: tf(d, t) of each of `terms`.
        dictionary: Hashes of the terms, sorted, (T,).
        words: The terms themselves, (T,).
    """

    indptr: Longs
    terms: Ints
    tf: Halves
    dictionary: Hashes
    words: Blob


def tally(products: Iterable[Product], weights: Weights) -> Terms:
    """
    Return the terms of *products*, in their order.
    """
    them = list(products)
    fields = {name: weight for name, weight in weights.fields.items() if weight != 0}
    pieces = [piece for name in fields for piece in _to_pieces(them, name)]
    texts = Blob.of(pieces)
    most = (len(texts.data) + len(texts)) // SHORTEST_TERM
    begins, ends = np.empty(most, np.int64), np.empty(most, np.int64)
    starts = np.zeros(len(texts) + 1, np.int64)
    split_words(texts.data, texts.offsets, starts, begins, ends)
    begins, ends = begins[: starts[-1]], ends[: starts[-1]]
    ids, firsts = np.empty(len(begins), np.int32), np.empty(len(begins), np.int64)
    found = name_words(texts.data, begins, ends, ids, firsts)
    firsts = firsts[:found]
    words = _cut_out(texts.data.tobytes(), begins[firsts], ends[firsts])
    indptr = np.zeros(len(them) + 1, np.int64)
    terms, tf = np.empty(len(ids), np.int32), np.empty(len(ids), np.float64)
    weigh_words(
        ids, starts, np.array([*fields.values()], np.float64), weights.sublinear,
        found, indptr, terms, tf,
    )  # fmt: skip
    pairs = int(indptr[-1])
    return _to_terms(indptr, terms[:pairs], tf[:pairs], words)


def _to_pieces(products: Sequence[Product], name: str) -> list[bytes]:
    """
    Return what each of *products* says in a field: text in ASCII, whose words are still
    to be found, or whole terms. So only what goes beyond ASCII is split in Python.
    """
    match name:
        case "category":
            of_path = cache(lambda path: _whole(to_category_terms(path)))
            return [of_path(product.category) for product in products]
        case "brand":
            of_brand = cache(lambda its: _whole([to_brand_term(its)]) if its else b"")
            return [of_brand(product.brand) for product in products]
    texts = [product.texts.get(name, "") for product in products]
    return [
        text.lower().encode() if text.isascii() else _whole(to_words(text))
        for text in texts
    ]


def _whole(terms: Iterable[str]) -> bytes:
    return b"".join(_BEFORE + encode(term) for term in terms)


def _cut_out(text: bytes, begins: Longs, ends: Longs) -> list[bytes]:
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    return [text[begin:end] for begin, end in spans]


def _to_terms(indptr: Longs, ids: Ints, tf: Doubles, words: list[bytes]) -> Terms:
    """
    Return the terms of rows that name them by their place in *words*.
    """
    hashes = np.fromiter(map(term_hash, words), np.uint64, len(words))
    dictionary, first, places = np.unique(
        hashes, return_index=True, return_inverse=True
    )
    terms = places.astype(np.int32)[ids]
    order = np.empty(len(terms), np.int64)
    sort_rows(indptr, terms, len(dictionary), order)
    terms, tf = terms[order], tf[order]
    if len(dictionary) < len(words):
        indptr, terms, tf = _join_twins(indptr, terms, tf)
    return Terms(
        indptr=indptr,
        terms=terms,
        tf=to_halves(tf),
        dictionary=dictionary,
        words=Blob.of([words[i] for i in first.tolist()]),
    )


def to_halves(tf: NDArray[np.floating]) -> Halves:
    """
    Return weights `rounded` as those of `term_weights` are.
    """
    halves: Halves = np.clip(tf, 0.0, HEAVIEST).astype(np.float16)
    return halves


def _join_twins(indptr: Longs, terms: Ints, tf: Doubles) -> tuple[Longs, Ints, Doubles]:
    """
    Count two words of one product with one hash as one term.
    """
    row_of = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    is_new = np.ones(len(terms), np.bool_)
    is_new[1:] = (row_of[1:] != row_of[:-1]) | (terms[1:] != terms[:-1])
    starts = np.flatnonzero(is_new)
    lengths = np.bincount(row_of[starts], minlength=len(indptr) - 1)
    joined = np.zeros(len(indptr), np.int64)
    np.cumsum(lengths, out=joined[1:])
    return joined, terms[starts], np.add.reduceat(tf, starts)
