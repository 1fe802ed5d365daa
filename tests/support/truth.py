"""
Whether a served model equals the one trained from scratch.
"""

from __future__ import annotations

import math

from collections.abc import Iterable, Mapping

import numpy as np

from numpy.typing import NDArray

from recommender.oracle import Oracle
from recommender.product import Product
from recommender.segment import build_segment
from recommender.snapshot import Snapshot
from recommender.text import term_hash
from recommender.weights import Weights
from tests.support.segments import row_values, segment_values


NORM_TOLERANCE = 1e-9  # relative
SCORE_TOLERANCE = 1e-6


def check_snapshot(
    snapshot: Snapshot,
    products: Iterable[Product],
    weights: Weights,
    asked: Iterable[bytes] | None = None,
) -> None:
    """
    Check that *snapshot* is the model of *products* and of nothing else.

    Rankings are compared for the keys *asked*, or for all.
    """
    oracle = Oracle.train(products, weights)
    check_counts(snapshot, oracle)
    check_frequencies(snapshot, oracle)
    check_norms(snapshot, oracle)
    check_rows(snapshot, oracle.products, weights)
    keys = [product.key for product in oracle.products]
    for key in keys if asked is None else asked:
        check_ranking(snapshot, oracle, keys.index(key))


def check_counts(snapshot: Snapshot, oracle: Oracle) -> None:
    """
    Check how many products there are, and how many may be seen.
    """
    assert snapshot.products == len(oracle.products)
    assert snapshot.visible == sum(product.visible for product in oracle.products)


def check_frequencies(snapshot: Snapshot, oracle: Oracle) -> None:
    """
    Check df(t) of every term of every segment, those that died out included.
    """
    counts = np.bincount(oracle.tf.indices, minlength=len(oracle.terms))
    df = {term_hash(term): counts[column] for term, column in oracle.terms.items()}
    for view in snapshot.views:
        expected = [df.get(term, 0) for term in view.segment.dictionary.tolist()]
        assert view.df.tolist() == expected


def check_norms(snapshot: Snapshot, oracle: Oracle) -> None:
    """
    Check ‖d‖ of every product, from tf as it is stored, in single precision.
    """
    counts = np.bincount(oracle.tf.indices, minlength=len(oracle.terms))
    idf = np.log((1 + len(oracle.products)) / (1 + counts)) + 1
    stored = oracle.tf.astype(np.float32).astype(np.float64)
    expected = np.sqrt(stored.power(2) @ idf**2)
    got = np.full(len(oracle.products), math.nan)
    for i, product in enumerate(oracle.products):
        row = snapshot.find(product.key)
        assert row is not None
        got[i] = norms_of(snapshot)[row.view.segment][row.row]
    assert np.allclose(got, expected, rtol=NORM_TOLERANCE, atol=0)


def norms_of(snapshot: Snapshot) -> Mapping[object, NDArray[np.float64]]:
    """
    Return the norm of every row, dead ones too, by segment.
    """
    big_l = snapshot.big_l
    return {
        view.segment: np.sqrt(
            big_l**2 * view.segment.squares + 2 * big_l * view.b + view.c
        )
        for view in snapshot.views
    }


def check_rows(
    snapshot: Snapshot, products: Iterable[Product], weights: Weights
) -> None:
    """
    Check that every living row says what its product says, and no other row lives.
    """
    living = [
        row_values(view.segment, int(row))
        for view in snapshot.views
        for row in np.flatnonzero(~view.dead)
    ]
    expected = segment_values(build_segment(products, weights))
    assert sorted(living, key=lambda row: bytes(row["key"])) == expected


def check_ranking(snapshot: Snapshot, oracle: Oracle, at: int) -> None:
    """
    Check the whole ranking for the product at *at*: scores within the tolerance, and
    the order up to ties within it.
    """
    scores = oracle.scores([at])[0]
    places = {product.key: i for i, product in enumerate(oracle.products)}
    hits = snapshot.similar(oracle.products[at].key, limit=len(places))
    found = [places[hit.key] for hit in hits]
    due = {
        i
        for i, product in enumerate(oracle.products)
        if product.visible and i != at and scores[i] > SCORE_TOLERANCE
    }
    assert len(set(found)) == len(found)
    assert at not in found
    assert due <= set(found)
    assert all(oracle.products[i].visible for i in found)
    assert np.allclose(
        [hit.score for hit in hits], scores[found], rtol=0, atol=SCORE_TOLERANCE
    )
    assert (np.diff(scores[found]) <= 2 * SCORE_TOLERANCE).all()
    assert [(-hit.score, hit.key) for hit in hits] == sorted(
        (-hit.score, hit.key) for hit in hits
    )


def check_same_state(one: Snapshot, other: Snapshot) -> None:
    """
    Check that two snapshots of the same segments have worked out the same.
    """
    assert [view.segment for view in one.views] == [v.segment for v in other.views]
    for mine, theirs in zip(one.views, other.views, strict=True):
        assert (mine.dead == theirs.dead).all()
        assert (mine.own == theirs.own).all()
        assert (mine.df == theirs.df).all()
    for segment, norms in norms_of(one).items():
        assert np.allclose(norms, norms_of(other)[segment], rtol=1e-11, atol=0)
