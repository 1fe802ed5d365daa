"""
The model on its way: an index, and how far it has followed which collection.
"""

from __future__ import annotations

from dataclasses import dataclass

from listener.feed import Batch, Mark
from recommender.index import Counts, Index


@dataclass(slots=True)
class Model:
    """
    What one thread keeps current.

    Attributes:
        index: The living catalogue.
        mark: Everything up to here is in the index.
        identity: Which collection it is a model of.
    """

    index: Index
    mark: Mark
    identity: str

    def absorb(self, batch: Batch) -> Counts:
        """
        Apply a batch; return what it changed.
        """
        counts = self.index.apply(batch.mutations)
        if batch.reached is not None:
            as_of = max(batch.reached.as_of, self.mark.as_of)  # what is in stays in
            self.mark = Mark(batch.reached.checkpoint, as_of)
        return counts
