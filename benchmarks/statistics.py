"""
What a catalogue is like.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import xxhash

from benchmarks.shop import Shop


def statistics(shop: Shop) -> dict[str, Any]:
    """
    Return the numbers that decide how hard a catalogue is.
    """
    snapshot = shop.snapshot()
    segments = [view.segment for view in snapshot.views]
    dictionaries = [view.segment.dictionary[view.own > 0] for view in snapshot.views]
    rows = sum(len(segment) for segment in segments)
    return {
        "products": snapshot.products,
        "visible": snapshot.visible,
        "vocabulary": len(np.unique(np.concatenate(dictionaries))),
        "terms_each": round(sum(len(s.terms) for s in segments) / max(1, rows), 1),
        "near_duplicates": round(_near_duplicates(shop), 3),
    }


def _near_duplicates(shop: Shop) -> float:
    """
    Return the share of products whose description another one has, too.
    """
    texts = (document.get("description") for document in shop.catalogue())
    counts = Counter(xxhash.xxh3_64_intdigest(text.encode()) for text in texts if text)
    return sum(count for count in counts.values() if count > 1) / shop.size
