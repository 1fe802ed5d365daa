"""
Writing that fails, and recovers.
"""

from __future__ import annotations

from typing import Any

from listener.trouble import UNWRITABLE, Trouble


def test_said_once_and_once_when_over(logs: list[Any]) -> None:
    """
    Any number of failures in a row is one line with a remedy; the end is another.
    """
    trouble = Trouble("publish")
    trouble.note_success()
    for number in range(5):
        trouble.note_failure(OSError(f"full {number}"))
    trouble.note_success()
    trouble.note_success()

    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("publish.failed", "error"),
        ("publish.recovered", "info"),
    ]
    assert (logs[0]["error"], logs[0]["remedy"]) == ("full 0", UNWRITABLE)
    assert logs[1]["failures"] == 5


def test_said_again_when_it_comes_back(logs: list[Any]) -> None:
    """
    Trouble that returns after it was over is new.
    """
    trouble = Trouble("publish")
    for _ in range(2):
        trouble.note_failure(OSError("full"))
        trouble.note_success()

    assert [line["event"] for line in logs].count("publish.failed") == 2
    assert logs[-1]["failures"] == 1
