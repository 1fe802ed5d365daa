"""
The chaos run would notice.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import pytest

from recommender.position import ClusterTime
from tests.chaos.journal import Journal
from tests.chaos.log_tail import LogTail
from tests.chaos.served import ranking_faults
from tests.chaos.visitors import anchor_fault
from tests.chaos.witness import claims, to_count
from tests.support.processes import Answer


SCORES = {"a": 0.9, "b": 0.5, "c": 0.5, "d": 0.0}


def make_answer(*items: Any, status: int = HTTPStatus.OK, time: str = "7:3") -> Answer:
    headers = {"Evershelf-As-Of": "1970-01-01T00:00:07Z"}
    body = orjson.dumps({"items": items, "model": {"cluster_time": time}})
    return Answer(status, headers, body)


def make_items(**scores: float) -> list[dict[str, Any]]:
    return [{"id": id_, "score": score} for id_, score in scores.items()]


@pytest.mark.parametrize(
    "items",
    [
        make_items(a=0.9, b=0.5),
        make_items(a=0.8, b=0.5, c=0.5),
        make_items(b=0.5, a=0.9, c=0.5),
        make_items(a=0.9, b=0.5, c=0.5, hidden=0.4),
    ],
    ids=["one is missing", "a wrong score", "out of order", "one too many"],
)
def test_a_wrong_ranking_is_a_fault(items: list[dict[str, Any]]) -> None:
    """
    Which products, in which order, with which scores: each of them counts.
    """
    assert list(ranking_faults(items, SCORES))


def test_a_right_ranking_is_none() -> None:
    """
    Products of one score may come in any order.
    """
    assert not list(ranking_faults(make_items(a=0.9, c=0.5, b=0.5), SCORES))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (make_answer({"id": "other"}), ""),
        (make_answer(status=HTTPStatus.NOT_MODIFIED), ""),
        (make_answer(), "anchor without neighbours"),
        (make_answer({"id": "anchor-1"}), "anchor like itself"),
        (make_answer(status=HTTPStatus.NOT_FOUND), "anchor unknown"),
    ],
    ids=["fine", "not modified", "empty", "itself", "unknown"],
)
def test_an_anchor_is_known_and_has_neighbours(answer: Answer, fault: str) -> None:
    """
    Whatever else goes on.
    """
    assert anchor_fault(answer, "anchor-1", is_itself=False) == fault


def test_an_answer_claims_what_was_written_before_its_time() -> None:
    """
    To the increment where a product is shown, to the second where none is.
    """
    shown = make_answer({"id": "witness", "product": {"price": 5}})
    unknown = make_answer(status=HTTPStatus.NOT_FOUND)

    assert claims(shown, ClusterTime(7, 3))
    assert not claims(shown, ClusterTime(7, 4))
    assert claims(unknown, ClusterTime(6, 9))
    assert not claims(unknown, ClusterTime(7, 0))
    assert (to_count(shown), to_count(unknown)) == (5, 0)


@pytest.mark.parametrize(
    "lines",
    [
        ['{"event":"listener.crashed"}'],
        ["Traceback (most recent call last):"],
        ['{"event":"listener.state","state":"following","reason":""}'] * 100,
    ],
    ids=["a defect", "not JSON", "a flood"],
)
def test_what_a_process_should_not_say_is_a_failure(
    tmp_path: Path, lines: list[str]
) -> None:
    """
    No fault from outside excuses it.
    """
    path, journal = tmp_path / "listener.log", Journal()
    path.write_text("".join(f"{line}\n" for line in lines))
    log = LogTail("listener", path, journal)

    log.read()
    log.check_flood()

    assert len(journal.failures) == 1
