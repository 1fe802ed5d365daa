"""
What errors say when nobody gave them a message.
"""

from __future__ import annotations

import pytest

from listener.errors import ListenerError, PositionLost, Unreachable
from recommender.errors import StoreCorrupt


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PositionLost("fell_behind"), "on from where it was: rebuild aside."),
        (Unreachable(), "The database does not answer: try again later."),
        (StoreCorrupt(), "use another generation, else rebuild."),
    ],
    ids=["PositionLost", "Unreachable", "StoreCorrupt"],
)
def test_the_default_message_is_one_line(error: Exception, said: str) -> None:
    """
    A log line says what happened, not the class's attributes, nor how its source was
    wrapped.
    """
    assert str(error).endswith(said)
    assert "\n" not in str(error)


def test_a_message_goes_before_the_default() -> None:
    """
    Whoever knows more says so.
    """
    assert str(ListenerError("it burns")) == "it burns"
