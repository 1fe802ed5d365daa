"""
Measures with a truth, by hand and against a second implementation.
"""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest

from ir_measures import RR, P, R, Success, nDCG
from sklearn.metrics import ndcg_score

from listener.evaluate.asking import LIMIT
from listener.evaluate.relevance import RELEVANCE


THEIRS = {
    "hit_rate": Success @ LIMIT,
    "precision": P @ LIMIT,
    "recall": R @ LIMIT,
    "mrr": RR @ LIMIT,
    "ndcg": nDCG @ LIMIT,
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hit_rate", 1.0),
        ("precision", 0.2),
        ("recall", 0.5),
        ("mrr", 0.5),
        (
            "ndcg",
            (1 / math.log2(3) + 1 / math.log2(5))
            / (1 + 1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)),
        ),
    ],
)
def test_by_hand(name, expected):
    """
    The second and the fourth answer are relevant, of four products that are; the other
    question has one, and it is not found.
    """
    relevant = np.zeros((2, LIMIT), np.bool_)
    relevant[0, [1, 3]] = True

    values = RELEVANCE[name](relevant, np.array([4, 1]))

    assert values.tolist() == pytest.approx([expected, 0.0])


def test_as_ir_measures_says():
    """
    On answers by chance all measures are trec_eval's.
    """
    rng = np.random.default_rng(3)
    relevant = rng.random((200, LIMIT)) < rng.random((200, 1))
    known = relevant.sum(axis=1) + rng.integers(0, 15, 200)
    known = np.maximum(known, 1)
    judged: dict[str, dict[str, int]] = {}
    ranked: dict[str, dict[str, float]] = {}
    for q in range(200):
        missed = known[q] - relevant[q].sum()
        judged[str(q)] = {f"missed{i}": 1 for i in range(missed)} | {
            f"found{rank}": 1 for rank in np.flatnonzero(relevant[q])
        }
        ranked[str(q)] = {f"found{rank}": 1.0 - rank / LIMIT for rank in range(LIMIT)}

    theirs: dict[tuple[str, str], float] = {
        (str(one.measure), one.query_id): one.value
        for one in ir_measures.iter_calc(list(THEIRS.values()), judged, ranked)
    }

    for name, measure in THEIRS.items():
        ours = RELEVANCE[name](relevant, known)
        expected = [theirs[str(measure), str(q)] for q in range(200)]
        assert np.allclose(ours, expected, atol=1e-12), name


def test_ndcg_as_scikit_learn_says():
    """
    A third implementation agrees on nDCG.
    """
    rng = np.random.default_rng(4)
    relevant = rng.random((50, LIMIT)) < 0.3
    missed = rng.integers(1, 20, 50)
    scores = np.arange(LIMIT + 20, 0, -1.0)[None, :]
    for found, more in zip(relevant, missed, strict=True):
        truth = np.concatenate([found, np.arange(20) < more]).astype(float)[None, :]
        (ours,) = RELEVANCE["ndcg"](found[None, :], np.array([found.sum() + more]))
        assert ours == pytest.approx(ndcg_score(truth, scores, k=LIMIT))
