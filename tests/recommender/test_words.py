"""
What is like words that somebody typed.
"""

import math

from collections import Counter

import hypothesis.strategies as st
import numpy as np
import pytest

from hypothesis import given

from recommender.errors import OtherWords
from recommender.filters import NO_FILTERS
from recommender.mutation import Delete
from recommender.query import Query
from recommender.ranking import Choice, choose
from recommender.snapshot import Snapshot
from recommender.text import TEXT_VERSION
from recommender.words import to_vector
from tests.support.plain import Plain
from tests.support.products import (
    ADJECTIVES,
    NOUNS,
    WEIGHTS,
    ids,
    make_catalogue,
    make_generation,
    make_index,
    make_key,
    make_product,
    make_snapshot,
)


CATALOGUE = make_catalogue(200)
SNAPSHOT = make_snapshot(CATALOGUE)
PLAIN = Plain.of(CATALOGUE, WEIGHTS)
KNOWN = sorted({*ADJECTIVES, *NOUNS} - {"light"})  # which is a category, too
WORDS = st.lists(st.sampled_from([*KNOWN, "unheard", "Kettle"]), max_size=6)


def found(snapshot, text):
    query = Query.of(to_vector(snapshot, text))
    return ids(hit.key for hit in choose(snapshot, query, NO_FILTERS, Choice(limit=10)))


@given(WORDS)
def test_words_rank_as_a_product_that_says_them(words):
    """
    The ranking is that of the oracle for tf = 1 + ln c of the words that are known.
    """
    choice = Choice(limit=30)
    query = Query.of(to_vector(SNAPSHOT, " ".join(words)))
    oracle = PLAIN.oracle
    vector = np.zeros(len(oracle.terms))
    for word, count in Counter(word.casefold() for word in words).items():
        if word in oracle.terms:
            column = oracle.terms[word]
            vector[column] = (1 + math.log(count)) * oracle.idf[column]

    hits = choose(SNAPSHOT, query, NO_FILTERS, choice)

    expected = PLAIN.choose(vector, lambda _: True, choice)
    assert [hit.key for hit in hits] == expected


@pytest.fixture(name="shelf")
def _shelf():
    return make_snapshot(
        [
            make_product("a", "kettle", brand="Brimm & Co"),
            make_product("b", "pot", brand="Brimm", category=("Home", "Tea things")),
            make_product("c", "tent", category=("Outdoor",)),
        ]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KETTLE", ["a"]),
        ("brimm & co", ["a", "b"]),
        ("by Brimm", ["b"]),
        ("some tea things please", ["b"]),
        ("home", ["b"]),
        ("outdoor kettle", ["c", "a"]),
        ("nothing like it", []),
        ("", []),
        ("!?", []),
    ],
)
def test_brands_and_categories_are_found_by_name(shelf, text, expected):
    """
    Words, brands and categories are found, whatever else is said.
    """
    assert sorted(found(shelf, text)) == sorted(expected)


def test_word_that_died_out_counts_no_more():
    """
    A word that only deleted products had is not known.
    """
    index = make_index([make_product("a", "kettle lid"), make_product("b", "kettle")])
    index.freeze()
    index.apply([Delete(make_key("a"))])
    snapshot = Snapshot.derive(make_generation(index))

    assert len(to_vector(snapshot, "lid kettle").hashes) == 1
    assert found(snapshot, "lid") == []


def test_terms_are_in_order_of_their_hashes(shelf):
    """
    The vector is as the kernels need it.
    """
    hashes = to_vector(shelf, "kettle pot tent brimm").hashes.tolist()

    assert hashes == sorted(hashes)
    assert len(hashes) == 4


@pytest.mark.parametrize("version", [TEXT_VERSION - 1, TEXT_VERSION + 1])
def test_words_of_another_version_are_not_looked_for(version):
    """
    In a model whose words another version has read, nothing is found rather than little.
    """
    snapshot = make_snapshot(CATALOGUE[:5], text_version=version)

    with pytest.raises(OtherWords):
        to_vector(snapshot, "kettle")
