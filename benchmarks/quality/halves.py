"""
One half of the questions to tune on, the other to report on.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from listener.evaluate.catalogue import Places
from listener.evaluate.truth import Truth


def halves(truth: Truth) -> tuple[Places, Places]:
    """
    Return the places to tune on, and those to report on: of about as many clusters and
    as many products, without a cluster in both.
    """
    clusters: dict[int, list[int]] = defaultdict(list)
    for place in truth.asked:
        clusters[truth.clusters[place]].append(place)
    largest_first = sorted(clusters.values(), key=lambda places: (-len(places), places))
    tuning: list[int] = []
    reporting: list[int] = []
    for places in largest_first:
        smaller = tuning if len(tuning) < len(reporting) else reporting
        smaller += places
    return np.array(sorted(tuning), np.int64), np.array(sorted(reporting), np.int64)
