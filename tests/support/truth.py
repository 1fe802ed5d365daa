"""
Whether a served model equals the one trained from scratch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import numpy as np

from numpy.typing import NDArray

from recommender.oracle import Oracle
from recommender.product import Product
from recommender.segment import build_segment
from recommender.snapshot import Snapshot, View
from recommender.text import encode, term_hash
from recommender.weights import Weights
from tests.support.segments import row_values, segment_values


NORM_TOLERANCE = 1e-9  # relative
SCORE_TOLERANCE = 1e-6
SINGLE = 1e-6  # what numbers in single precision may be off, relative


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
    known = {product.key: product for product in products}
    visible = {key for key, product in known.items() if product.visible}
    oracle = Oracle.train(known.values(), weights)
    assert snapshot.products == len(known)
    assert snapshot.visible == len(visible)
    check_frequencies(snapshot, oracle)
    check_norms(snapshot, oracle)
    check_lengths(snapshot)
    check_rows(snapshot, known.values(), weights)
    for key in known if asked is None else asked:
        check_ranking(snapshot, oracle, key, visible)


def check_frequencies(snapshot: Snapshot, oracle: Oracle) -> None:
    """
    Check df(t) of every term of every segment, those that died out included.
    """
    counts = np.bincount(oracle.tf.indices, minlength=len(oracle.terms))
    df = {
        term_hash(encode(term)): counts[column] for term, column in oracle.terms.items()
    }
    for view in snapshot.views:
        expected = [df.get(term, 0) for term in view.segment.dictionary.tolist()]
        assert view.df.tolist() == expected


def check_norms(snapshot: Snapshot, oracle: Oracle) -> None:
    """
    Check ‖d‖² of every product.
    """
    rows = {row.key: row for row in snapshot.living()}
    got = [snapshot.square(rows[key]) for key in oracle.keys]
    assert np.allclose(got, oracle.squares, rtol=NORM_TOLERANCE, atol=0)


def check_lengths(snapshot: Snapshot) -> None:
    """
    Check that no living row is shorter than is known, or longer.
    """
    for segment, norms in norms_of(snapshot).items():
        (view,) = (view for view in snapshot.views if view.segment is segment)
        shrunk = view.lengths.shrunk(snapshot.big_l)
        known = view.lengths.values * shrunk
        assert (norms * (1 + SINGLE) >= known)[~view.dead].all()
        assert (norms * (2 * shrunk - 1) <= known * (1 + SINGLE))[~view.dead].all()


def norms_of(snapshot: Snapshot) -> Mapping[object, NDArray[np.float64]]:
    """
    Return the norm of every row, dead ones too, by segment.
    """
    return {view.segment: _norms(view, snapshot.big_l) for view in snapshot.views}


def _norms(view: View, big_l: float) -> NDArray[np.float64]:
    segment = view.segment
    rows = np.repeat(np.arange(len(segment)), np.diff(segment.indptr))
    values = segment.tf.astype(np.float64) * (big_l + view.g[segment.terms])
    return np.sqrt(np.bincount(rows, values**2, minlength=len(segment)))


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


def check_ranking(
    snapshot: Snapshot, oracle: Oracle, key: bytes, visible: Set[bytes]
) -> None:
    """
    Check the whole ranking for the product of *key*: scores within the tolerance, and
    the order up to ties within it.
    """
    scores = oracle.scores([oracle.keys.index(key)])[0]
    places = {other: place for place, other in enumerate(oracle.keys)}
    hits = snapshot.similar(key, limit=len(places))
    found = {hit.key for hit in hits}
    alike = {k for k, place in places.items() if scores[place] > SCORE_TOLERANCE}
    assert len(found) == len(hits)
    assert (alike & visible) - {key} <= found
    assert found <= visible - {key}
    expected = scores[[places[hit.key] for hit in hits]]
    assert np.allclose(
        [hit.score for hit in hits], expected, rtol=0, atol=SCORE_TOLERANCE
    )
    assert (np.diff(expected) <= 2 * SCORE_TOLERANCE).all()
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.key))


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
