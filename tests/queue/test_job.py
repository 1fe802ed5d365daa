"""
Which job a run answers, and when the next may begin.
"""

from __future__ import annotations

import pytest

from listener.queue.job import HOUR_MS, Past


@pytest.mark.parametrize(("number", "is_answered"), [(1, True), (7, True), (8, False)])
def test_a_run_answers_what_was_added_before_it(number: int, is_answered: bool) -> None:
    """
    Jobs are numbered as they are added.
    """
    assert Past(covers=7).answers(number) == is_answered


@pytest.mark.parametrize(
    ("due_ms", "is_answered"), [(0, True), (5_000, True), (5_001, False)]
)
def test_a_job_with_a_delay_is_answered_by_runs_after_it(
    due_ms: int, is_answered: bool
) -> None:
    """
    Whoever wants it done later does not mean what was written until now.
    """
    assert Past(covers=7, covers_ms=5_000).answers(7, due_ms) == is_answered


def test_nothing_is_answered_before_the_first_run() -> None:
    """
    There is no job 0.
    """
    assert not Past().answers(1)


@pytest.mark.parametrize(
    ("began_ms", "now_ms", "per_hour", "expected_ms"),
    [
        (0, 5_000, 1, 0),  # there has been none
        (1, 5_000, 0, 0),  # any number
        (1_000, 1_000, 6, 600_000),
        (1_000, 600_999, 6, 1),
        (1_000, 601_000, 6, 0),
        (1_000, 1_000, 7, 514_286),  # never a moment less than a seventh of an hour
        (9_000, 1_000, 6, 600_000),  # the clock was set back
        (601_001, 1_000, 6, 0),  # by more than any job waits
    ],
)
def test_runs_keep_even_distances(
    began_ms: int, now_ms: int, per_hour: int, expected_ms: int
) -> None:
    """
    So that there are at most so many in any hour, wherever it begins.
    """
    assert Past(began_ms=began_ms).wait_ms(now_ms, per_hour) == expected_ms


@pytest.mark.parametrize("per_hour", [1, 7, 59, 3600])
def test_an_hour_has_no_more(per_hour: int) -> None:
    """
    Whoever begins as soon as it may begins so often in an hour, and once more after it.
    """
    began, now = [1], 1
    while now <= HOUR_MS:
        now += Past(began_ms=began[-1]).wait_ms(began[-1], per_hour)
        began.append(now)

    assert len([one for one in began if one <= HOUR_MS]) == per_hour
