"""
What the listener's errors say.
"""

from __future__ import annotations

from listener.errors import PositionLost, Unreachable


def test_default_message_is_one_line() -> None:
    """
    Without a message of its own an error says what its class means, in one line of the
    log, and nothing of its attributes.
    """
    assert str(PositionLost("history_lost")) == (
        "The stream cannot go on from where it was: rebuild aside."
    )
    assert str(Unreachable()) == "The database does not answer: try again later."
