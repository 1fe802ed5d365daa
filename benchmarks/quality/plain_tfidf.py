"""
What scikit-learn's TF-IDF recommends, and its latent semantic analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scipy import sparse
from sklearn.decomposition import TruncatedSVD  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]
    TfidfVectorizer,
)
from sklearn.preprocessing import normalize  # type: ignore[import-untyped]

from benchmarks.quality.nearest import Ranker, by_score


LEAST_DF = 2
SEED = 5002


def tfidf(texts: Sequence[str]) -> Ranker:
    """
    Return what recommends by the cosine of sublinear TF-IDF.
    """
    vectors = _vectors(texts)
    return by_score(lambda asked: (vectors[asked] @ vectors.T).toarray())


def lsa(texts: Sequence[str], dimensions: int) -> Ranker:
    """
    Return what recommends by the cosine of those vectors in so many dimensions.
    """
    reduced = TruncatedSVD(dimensions, random_state=SEED).fit_transform(_vectors(texts))
    vectors = np.asarray(normalize(reduced))
    return by_score(lambda asked: vectors[asked] @ vectors.T)


def _vectors(texts: Sequence[str]) -> Any:
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=LEAST_DF)
    return sparse.csr_array(vectorizer.fit_transform(texts))
