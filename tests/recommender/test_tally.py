"""
Counting many products at once, against one after the other.
"""

import itertools

import numpy as np
import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from recommender.product import Product
from recommender.tally import tally
from recommender.text import LONGEST_WORD, encode, term_hash
from recommender.weights import Weights, term_weights
from tests.support.products import WEIGHTS, make_catalogue, make_product


ANY_TEXT = st.one_of(
    st.text(alphabet="aAbBéß_ 1-.\x1f雪\u0301", max_size=30),
    st.text(st.characters(exclude_categories=()), max_size=20),
)
ANY_PRODUCT = st.builds(
    Product,
    key=st.just(b'"1"'),
    texts=st.dictionaries(
        st.sampled_from(["name", "description", "tags", "unweighted"]), ANY_TEXT
    ),
    category=st.lists(ANY_TEXT, max_size=3).map(tuple),
    brand=ANY_TEXT,
)
ANY_WEIGHTS = st.builds(
    Weights,
    st.dictionaries(
        st.sampled_from(["name", "description", "tags", "category", "brand"]),
        st.sampled_from([0.0, 0.1, 1.0, 2.5]),
    ),
    st.booleans(),
)


def rows_of(terms):
    """
    Return each row as a dictionary of words and weights.
    """
    words = list(terms.words)
    ends, tf = terms.indptr.tolist(), terms.tf.tolist()
    return [
        dict(zip((words[t] for t in terms.terms[a:b]), tf[a:b], strict=True))
        for a, b in itertools.pairwise(ends)
    ]


def expected_rows(products, weights):
    return [
        {encode(term): tf for term, tf in term_weights(p, weights).items()}
        for p in products
    ]


@given(st.lists(ANY_PRODUCT, max_size=6), ANY_WEIGHTS)
@example([make_product(name="a" * 65 + " " + "a" * 64)], WEIGHTS)
@example([make_product(name="Tea tea TEA"), make_product()], WEIGHTS)
def test_same_as_one_after_the_other(products, weights):
    """
    Of any texts the terms and their tf are those of the reference, to the bit.
    """
    terms = tally(products, weights)

    assert rows_of(terms) == expected_rows(products, weights)
    assert terms.dictionary.tolist() == sorted(map(term_hash, terms.words))
    assert len(set(terms.words)) == len(terms.words)
    for begin, end in zip(terms.indptr[:-1], terms.indptr[1:], strict=True):
        assert (np.diff(terms.terms[begin:end]) > 0).all()


def test_large_vocabulary():
    """
    More words than the table first has room for are kept apart.
    """
    products = [make_product(str(i), f"lamp{i} of {i * 7}") for i in range(3_000)]
    products += make_catalogue(500)

    assert rows_of(tally(products, WEIGHTS)) == expected_rows(products, WEIGHTS)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 1_000, 65_537, 1_000_003])
def test_repeated_words_weigh_as_in_python(count):
    """
    The compiled logarithm is Python's, however often a word comes.
    """
    product = make_product(description="tea " * count)

    assert rows_of(tally([product], WEIGHTS)) == expected_rows([product], WEIGHTS)


def test_longest_word():
    """
    What differs only beyond the longest word is one word.
    """
    word = "w" * LONGEST_WORD
    terms = tally([make_product(name=f"{word}a {word}b")], WEIGHTS)

    assert list(terms.words) == [word.encode()]
