"""
How long a rebuild takes, from a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

from listener.clock import Clock
from listener.doctor.database import Document
from listener.mapping import Mapper
from recommender.bulk import Builder
from recommender.settings import ListenerSettings
from recommender.weights import Weights


def rebuild_s(
    documents: Sequence[Document],
    read_s: float,
    count: int,
    settings: ListenerSettings,
    clock: Clock,
) -> float:
    """
    Return about how many seconds it takes to read and index *count* documents, as it
    took *read_s* to read a sample of them.
    """
    if not documents:
        return 0.0
    started = clock.monotonic()
    mapper = Mapper(settings)
    builder = Builder(Weights(settings.weights, sublinear=settings.sublinear))
    builder.add(mapper.to_product(document).product for document in documents)
    builder.finish()
    took_s = read_s + clock.monotonic() - started
    return took_s * max(count, len(documents)) / len(documents)
