"""
From words that somebody typed to what is like them.
"""

from __future__ import annotations

import math

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from recommender import kernels
from recommender.errors import OtherWords
from recommender.facets import category_codes
from recommender.kernels import Hashes, Ints
from recommender.query import Vector
from recommender.snapshot import ENCODING, Snapshot
from recommender.text import (
    TEXT_VERSION,
    encode,
    fold,
    term_hash,
    to_brand_term,
    to_category_terms,
    to_words,
)


LONGEST_NAME: Final = 4  # words of a brand or a category that is looked for


def to_vector(snapshot: Snapshot, text: str) -> Vector:
    """
    Return *text* as if it were a product: its words with tf = 1 + ln c, and the brands
    and categories whose names are in it. What no product has is left out.

    Raises:
        OtherWords: The model's words were read by another version of this code, so that
            these would find too little, or something else.
    """
    if snapshot.manifest.text_version != TEXT_VERSION:
        raise OtherWords
    weighed: dict[int, float] = {}
    for word, count in Counter(to_words(text)).items():
        weighed[term_hash(encode(word))] = 1.0 + math.log(count)
    for term in _facet_terms(snapshot, text):
        weighed[term_hash(encode(term))] = 1.0
    hashes = np.array(sorted(weighed), np.uint64)
    tf = np.array([weighed[int(one)] for one in hashes], np.float64)
    df = _frequencies(snapshot, hashes)
    known = df > 0
    idf = snapshot.big_l - np.log1p(df[known])
    return Vector(hashes[known], tf[known] * idf, idf)


def _facet_terms(snapshot: Snapshot, text: str) -> Iterator[str]:
    for name in _runs(fold(text).split()):
        yield to_brand_term(name)
        for view in snapshot.views:
            for code in category_codes(view.segment).of(name):
                path = view.segment.category_values[code].decode(*ENCODING)
                yield to_category_terms(path.split(" > "))[-1]


def _runs(words: Sequence[str]) -> Iterator[str]:
    for begin in range(len(words)):
        for end in range(begin + 1, min(begin + LONGEST_NAME, len(words)) + 1):
            yield " ".join(words[begin:end])


def _frequencies(snapshot: Snapshot, hashes: Hashes) -> Ints:
    """
    Return how many living products hold each term.
    """
    df = np.zeros(len(hashes), np.int32)
    places = np.empty(len(hashes), np.int64)
    for view in snapshot.views:
        kernels.find_sorted(view.segment.dictionary, hashes, places)
        here = places >= 0
        df[here] = view.df_at(places[here])
    return df
