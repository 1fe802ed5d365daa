"""
Words that a caller has typed, as a query needs them.
"""

from __future__ import annotations

from typing import Final

from recommender.errors import OtherWords
from recommender.query import Vector
from recommender.snapshot import Snapshot
from recommender.words import to_vector
from server.problems import Problem


RETRY_AFTER_S: Final = 60  # a model of other words is being trained, or soon will be


def read_phrase(snapshot: Snapshot, text: str) -> Vector:
    """
    Return *text* as if it were a product.

    Raises:
        Problem: 503 while the model's words are those of another version.
    """
    try:
        return to_vector(snapshot, text)
    except OtherWords as error:
        raise Problem(
            503,
            "other_words",
            "The model was made by a version that reads words otherwise: nothing is found "
            "by words until the listener is of this server's version, too, and has "
            "trained anew. All else is answered.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        ) from error
