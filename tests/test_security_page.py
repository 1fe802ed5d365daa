"""
docs/security.md and the tests that it names are in step.
"""

from __future__ import annotations

import re

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/security.md").read_text()
ROWS = [
    cells
    for line in PAGE.partition("## What they can do")[2].splitlines()[3:]
    if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 4
    and not cells[0].startswith("---")
]
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(
        r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE
    )
}


def test_there_are_rows() -> None:
    """
    The table has been found.
    """
    assert len(ROWS) > 15


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].replace(" ", "-"))
def test_each_answer_is_shown_by_a_test(row: list[str]) -> None:
    """
    Each row names tests that exist, at least one.
    """
    names = set(re.findall(r"`(test_\w+)`", row[3]))

    assert names
    assert names <= TESTS
