"""
docs/failures.md and the tests that it names are in step.
"""

from __future__ import annotations

import re

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/failures.md").read_text()
ROWS = [
    (int(cells[1]), cells[4], cells[6])
    for line in PAGE.splitlines()
    if (cells := [cell.strip() for cell in line.split("|")])[1:2] and cells[1].isdigit()
]
LOGS = (ROOT / "docs/logs.md").read_text()
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(
        r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE
    )
}


def to_numbers(name: str) -> set[int]:
    """
    Return the rows that a test's name claims.
    """
    return {int(number) for number in re.findall(r"row_(\d+)", name)}


def test_rows_are_in_order() -> None:
    """
    A reader finds a row by its number.
    """
    numbers = [number for number, _, _ in ROWS]
    assert numbers == sorted(numbers)
    assert len(numbers) > 20


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_row_is_shown_by_its_tests(row: tuple[int, str, str]) -> None:
    """
    Each row names tests that exist, at least one of which carries its number.
    """
    number, _, shown = row
    names = re.findall(r"`(test_\w+)`", shown)
    assert set(names) <= TESTS
    assert any(number in to_numbers(name) for name in names)


def test_every_row_test_is_on_the_page() -> None:
    """
    Each test that carries a row's number is named in that row.
    """
    named = {
        (number, name)
        for number, _, shown in ROWS
        for name in re.findall(r"`(test_\w+)`", shown)
    }
    claimed = {(number, name) for name in TESTS for number in to_numbers(name)}
    assert claimed <= named


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0]))
def test_log_events_exist(row: tuple[int, str, str]) -> None:
    """
    Each log event that the page names is in docs/logs.md.
    """
    for event in re.findall(r"`(\w+\.\w+)`", row[1]):
        assert f"| `{event}` |" in LOGS
