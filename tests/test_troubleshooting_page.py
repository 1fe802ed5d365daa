"""
The page for people in trouble has an answer to each check of `doctor`.
"""

from __future__ import annotations

import re

from pathlib import Path


ROOT = Path(__file__).parents[1]
ROUNDS = ROOT / "listener" / "doctor" / "rounds.py"
PAGES = (ROOT / "docs" / "troubleshooting.md", ROOT / "docs" / "operations.md")


def checks() -> list[str]:
    """
    Return the names of all checks.
    """
    return re.findall(
        r'(?:Check\(\s*|^ +\()"([a-z ]+)",\s', ROUNDS.read_text(), re.MULTILINE
    )


def test_every_check_has_its_row() -> None:
    """
    And no row is of a check that there is not.
    """
    assert len(checks()) > 10
    for page in PAGES:
        (table,) = re.findall(
            r"(?:^\| check \|.*\n)((?:^\|.*\n)+)", page.read_text(), re.MULTILINE
        )
        rows = re.findall(r"^\| ([a-z ]+) \|", table, re.MULTILINE)
        assert sorted(rows) == sorted(checks()), page.name
