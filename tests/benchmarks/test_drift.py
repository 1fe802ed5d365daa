"""
What answers are worth with old idf: the comparison is right, and holds the bounds.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks.catalogue import generate
from benchmarks.drift import WAYS, Beyond, Comparison, Drift, make_model, to_rows
from listener.mapping import Mapper
from listener.opening import to_weights
from recommender.oracle import Oracle
from recommender.settings import ListenerSettings, load_settings


PRODUCTS = 300
ASKED = 20


def test_without_a_change_nothing_is_off():
    """
    Old idf is new idf then: all answers are right, and nothing else was allowed.
    """
    compared = Comparison(make_model(PRODUCTS, 0.0, 0, has_new_words=False), ASKED, 0)

    for measure in WAYS.values():
        assert measure(compared) == pytest.approx(Drift(10.0, 0.0, 0.0), abs=1e-7)
    lengths = compared.lengths()
    assert (lengths.off, lengths.rewritten) == pytest.approx((0.0, 0.0))
    assert lengths.candidates >= 10


def test_new_scores_are_those_of_a_model_trained_from_scratch():
    """
    What old idf is compared with is what scikit-learn says.
    """
    settings = load_settings(ListenerSettings, [])
    mapper = Mapper(settings)
    documents = itertools.islice(generate(0), PRODUCTS)
    products = [mapper.to_product(document).product for document in documents]
    oracle = Oracle.train(products, to_weights(settings))

    compared = Comparison(make_model(PRODUCTS, 0.0, 0, has_new_words=False), ASKED, 0)

    due = oracle.scores(compared._rows.tolist())
    due[np.arange(ASKED), compared._rows] = 0.0
    assert compared._true == pytest.approx(due, abs=1e-9)


@pytest.mark.parametrize("has_new_words", [False, True], ids=["alike", "new words"])
def test_old_idf_changes_answers_within_what_is_proven(has_new_words):
    """
    A change of a third moves scores, each by less than was allowed; to look at some
    more than ten is enough to be sure.
    """
    model = make_model(PRODUCTS, 0.3, 0, has_new_words=has_new_words)
    compared = Comparison(model, ASKED, 0)

    drifts = [measure(compared) for measure in WAYS.values()]

    assert len(model.living) == PRODUCTS
    assert all(0.001 < drift.worst < drift.bound for drift in drifts)
    assert all(5.0 < drift.kept <= 10.0 for drift in drifts)
    lengths = compared.lengths()
    assert 0.01 < lengths.off < 1.0
    assert 10 <= lengths.candidates <= lengths.most < PRODUCTS
    assert 10 <= lengths.mended < lengths.candidates


def test_a_score_beyond_what_is_proven_is_a_fault():
    """
    A bound that does not hold ends the measuring.
    """
    compared = Comparison(make_model(PRODUCTS, 0.3, 0, has_new_words=True), ASKED, 0)

    with pytest.raises(Beyond):
        compared._drift(compared._true * 1.1, compared._true, compared._true * 1.05)


def test_the_table_has_a_row_for_each_way():
    """
    Each share and kind is compared in all ways.
    """
    rows = list(to_rows(100, [0.1], 5, 0))

    assert [row[:2] for row in rows] == [
        (kind, way) for kind in ("10% alike", "10% of new words") for way in WAYS
    ]
