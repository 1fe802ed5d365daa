"""
The classic way: read the collection and fit scikit-learn's TF-IDF; then compare all
with all.
"""

from __future__ import annotations

import time

from typing import Any, NamedTuple

from pymongo import MongoClient

from benchmarks.catalogue import Document, to_text


class Fitted(NamedTuple):
    """
    How long it took, in seconds; imports are not counted.

    Attributes:
        read_s: Reading the texts.
        fit_s: `TfidfVectorizer.fit_transform`.
        fit_processor_s: Its processor time.
        compare_processor_s: Processor time of the dense cosine matrix, if asked for.
        products: How many there were.
    """

    read_s: float
    fit_s: float
    fit_processor_s: float
    compare_processor_s: float
    products: int


def fit_from_scratch(uri: str, collection: str, *, compares: bool = False) -> Fitted:
    """
    Do it, in this process.
    """
    from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # noqa: PLC0415
        TfidfVectorizer,
    )

    with MongoClient[Document](uri) as client:
        products = client.get_default_database()[collection]
        started = time.monotonic()
        fields = ("name", "description", "brand", "category", "tags")
        texts = [to_text(d) for d in products.find({}, dict.fromkeys(fields, 1))]
        read_s = time.monotonic() - started
    started, before = time.monotonic(), time.process_time()
    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    fit_s, fit_processor_s = time.monotonic() - started, time.process_time() - before
    before = time.process_time()
    if compares:
        _compare(vectors)
    compare_s = time.process_time() - before
    return Fitted(read_s, fit_s, fit_processor_s, compare_s, len(texts))


def _compare(vectors: Any) -> None:
    from sklearn.metrics.pairwise import (  # type: ignore[import-untyped]  # noqa: PLC0415
        cosine_similarity,
    )

    cosine_similarity(vectors)
