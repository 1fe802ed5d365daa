"""
The page for people in trouble has an answer to each check of `doctor`.
"""

from __future__ import annotations

import ast
import re

from pathlib import Path


ROOT = Path(__file__).parents[1]
ROUNDS = ROOT / "listener" / "doctor" / "rounds.py"
PAGES = (ROOT / "docs" / "troubleshooting.md", ROOT / "docs" / "operations.md")


def checks() -> list[str]:
    """
    Return the names of all checks.
    """
    return [
        str(call.args[0].value)
        for call in ast.walk(ast.parse(ROUNDS.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "Check"
        and isinstance(call.args[0], ast.Constant)
    ]


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
