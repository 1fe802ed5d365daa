"""
What workers and their leader say to one another.
"""

from __future__ import annotations

import multiprocessing

import pytest

from server.line import PATIENCE_S, be_impatient, receive, send


@pytest.mark.timeout(60)
def test_nobody_waits_for_ever_for_who_does_not_read() -> None:
    """
    A message to a worker that hangs, or waits itself for the leader to read, is given
    up; one to a worker that reads arrives, however long it is.
    """
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        be_impatient(ours)
        send(ours, {"is": "tell"})
        assert receive(theirs) == {"is": "tell"}

        with pytest.raises(BlockingIOError):
            send(ours, {"texts": "x" * (64 << 20)})

    assert PATIENCE_S < 10
