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

from benchmarks.quality.nearest import Score


LEAST_DF = 2
SEED = 5002


def tfidf(texts: Sequence[str]) -> Score:
    """
    Return the cosine of sublinear TF-IDF.
    """
    vectors = _vectors(texts)
    return lambda asked: (vectors[asked] @ vectors.T).toarray()


def lsa(texts: Sequence[str], dimensions: int) -> Score:
    """
    Return the cosine of those vectors in so many dimensions, or as many as they have.
    """
    plain = _vectors(texts)
    svd = TruncatedSVD(min(dimensions, *plain.shape), random_state=SEED)
    reduced = svd.fit_transform(plain)
    vectors = np.asarray(normalize(reduced))
    return lambda asked: vectors[asked] @ vectors.T


def _vectors(texts: Sequence[str]) -> Any:
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=LEAST_DF)
    return sparse.csr_array(vectorizer.fit_transform(texts))
