import math

import numpy as np
import pytest

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from recommender.oracle import Oracle
from recommender.weights import LEAST_IDF, Weights
from tests.support.products import WEIGHTS, make_catalogue, make_product


@pytest.mark.parametrize("sublinear", [True, False])
def test_oracle_is_what_everyone_would_train(sublinear):
    """
    On one field of plain words it gives the scores of TfidfVectorizer's defaults, with
    idf raised to what the model has for a term of all products, and counts in half
    precision.
    """
    weights = Weights({"description": 1.0}, sublinear=sublinear)
    products = sorted(make_catalogue(80), key=lambda product: product.key)
    texts = [product.texts["description"] for product in products]
    counted = TfidfVectorizer(sublinear_tf=sublinear, use_idf=False, norm=None)
    tf = counted.fit_transform(texts)
    tf.data = tf.data.astype(np.float16).astype(np.float64)
    usual = TfidfVectorizer(sublinear_tf=sublinear).fit(texts).idf_
    vectors = normalize(tf.multiply(usual + 2.0))

    scores = Oracle.train(products, weights).scores(range(80))

    assert scores == pytest.approx((vectors @ vectors.T).toarray(), abs=1e-12)


def test_a_term_of_all_products_counts_the_least():
    """
    Its idf is `LEAST_IDF`, and that of one that a single product has is more by
    ln((1+N)/2).
    """
    products = [make_product("1", "tea"), make_product("2", "tea pot")]

    oracle = Oracle.train(products, WEIGHTS)

    idf = {term: oracle.idf[column] for term, column in oracle.terms.items()}
    assert idf == pytest.approx({"tea": LEAST_IDF, "pot": LEAST_IDF + math.log(1.5)})


def test_order_of_products_does_not_matter():
    """
    Products are taken in order of their keys.
    """
    products = make_catalogue(30)

    one = Oracle.train(products, WEIGHTS)
    other = Oracle.train(reversed(products), WEIGHTS)

    assert one.keys == other.keys
    assert one.scores([3, 4]) == pytest.approx(other.scores([3, 4]), abs=1e-15)


@pytest.mark.parametrize("products", [[], [make_product("1")]])
def test_oracle_of_nothing(products):
    """
    No products, and products without terms, have no vectors, but are counted.
    """
    oracle = Oracle.train(products, WEIGHTS)

    assert len(oracle.keys) == len(products)
    assert oracle.vectors.nnz == 0


def test_product_without_terms_is_like_nothing():
    """
    Its scores are 0, its own included.
    """
    oracle = Oracle.train([make_product("1"), make_product("2", "tea")], WEIGHTS)

    assert oracle.scores([0, 1]).tolist() == [[0, 0], [0, 1]]
