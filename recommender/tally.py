"""
The terms of many products at once.

The same as `term_weights` and `term_hash` of each product one after the other, which
stay the reference, in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recommender.blob import Blob
from recommender.kernels import Doubles, Floats, Hashes, Ints, Longs
from recommender.product import Product
from recommender.text import (
    SHORTEST_WORD,
    encode,
    term_hash,
    to_brand_term,
    to_category_terms,
    to_words,
)
from recommender.weights import Weights
from recommender.word_kernels import name_words, sort_rows, split_words, weigh_words


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
    tf: Floats
    dictionary: Hashes
    words: Blob


def tally(products: Iterable[Product], weights: Weights) -> Terms:
    """
    Return the terms of *products*, in their order.
    """
    pieces = _Pieces(weights)
    for product in products:
        pieces.add(product)
    return pieces.count()


class _Pieces:
    """
    Texts to be counted, in order of products, then fields.

    A piece is text in ASCII, whose words are still to be found, or one whole term. So
    only what goes beyond ASCII is split in Python.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._fields = [
            (place, name)
            for place, (name, weight) in enumerate(weights.fields.items())
            if weight != 0
        ]
        self._products = 0
        self._texts: list[bytes] = []
        self._rows: list[int] = []
        self._places: list[int] = []
        self._is_whole: list[bool] = []
        self._categories: dict[tuple[str, ...], list[bytes]] = {}

    def add(self, product: Product) -> None:
        """
        Take the pieces of one more product.
        """
        for place, name in self._fields:
            match name:
                case "category":
                    self._add_whole(place, self._category_terms(product.category))
                case "brand":
                    if product.brand:
                        self._add_whole(place, [encode(to_brand_term(product.brand))])
                case _:
                    self._add_text(place, product.texts.get(name, ""))
        self._products += 1

    def _add_text(self, place: int, text: str) -> None:
        if not text.isascii():
            self._add_whole(place, map(encode, to_words(text)))
        elif text:
            self._add(place, text.lower().encode(), is_whole=False)

    def _add_whole(self, place: int, terms: Iterable[bytes]) -> None:
        for term in terms:
            self._add(place, term, is_whole=True)

    def _add(self, place: int, text: bytes, *, is_whole: bool) -> None:
        self._texts.append(text)
        self._rows.append(self._products)
        self._places.append(place)
        self._is_whole.append(is_whole)

    def _category_terms(self, path: tuple[str, ...]) -> list[bytes]:
        known = self._categories.get(path)
        if known is None:
            known = self._categories[path] = [*map(encode, to_category_terms(path))]
        return known

    def count(self) -> Terms:
        """
        Return what was taken, counted.
        """
        texts = Blob.of(self._texts)
        # A word of ASCII takes two letters, and a third parts it from the next.
        most = len(texts) + (len(texts.data) + len(texts)) // (SHORTEST_WORD + 1)
        begins, ends = np.empty(most, np.int64), np.empty(most, np.int64)
        starts = np.zeros(len(texts) + 1, np.int64)
        is_whole = np.array(self._is_whole, np.bool_)
        split_words(texts.data, texts.offsets, is_whole, starts, begins, ends)
        begins, ends = begins[: starts[-1]], ends[: starts[-1]]
        ids, firsts = np.empty(len(begins), np.int32), np.empty(len(begins), np.int64)
        found = name_words(texts.data, begins, ends, ids, firsts)
        firsts = firsts[:found]
        words = _cut_out(texts.data.tobytes(), begins[firsts], ends[firsts])
        indptr = np.zeros(self._products + 1, np.int64)
        terms, tf = np.empty(len(ids), np.int32), np.empty(len(ids), np.float64)
        weigh_words(
            ids, starts,
            np.array(self._rows, np.int32), np.array(self._places, np.int32),
            np.array([*self._weights.fields.values()], np.float64),
            self._weights.sublinear, found, indptr, terms, tf,
        )  # fmt: skip
        pairs = int(indptr[-1])
        return _to_terms(indptr, terms[:pairs], tf[:pairs], words)


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
        tf=tf.astype(np.float32),
        dictionary=dictionary,
        words=Blob.of([words[i] for i in first]),
    )


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
