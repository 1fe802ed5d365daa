"""
docs/configuration.md holds every setting, with its flag, default and meaning.
"""

from __future__ import annotations

import re

from pathlib import Path

import pytest

from listener.signals import NOW
from recommender.effective import ERRAND
from recommender.exits import Exit
from recommender.handbook import TABLES, to_rows, with_tables
from recommender.settings import ALL_SETTINGS


PAGE = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()
ROWS = [row for kind in TABLES.values() for row in to_rows(kind)]


def test_page_has_the_tables_that_the_settings_make() -> None:
    """
    The page says of each setting what the code does; after a change: `make docs`.
    """
    assert with_tables(PAGE) == PAGE


def test_tables_are_written_anew() -> None:
    """
    What was changed by hand in a table is put right, and nothing else is touched.
    """
    spoilt = PAGE.replace("| `5003` |", "| `5004` |").replace(ROWS[-1], "")

    assert spoilt != PAGE
    assert with_tables(spoilt) == PAGE


def test_page_without_a_table_is_refused() -> None:
    """
    A heading that was renamed leaves no table behind that is never written again.
    """
    with pytest.raises(ValueError, match="'Both'"):
        with_tables(PAGE.replace("## Both", "## Either"))


def test_no_setting_is_left_out() -> None:
    """
    Each field of the settings has a line, but for what a program is told to do.
    """
    names = {name for kind in ALL_SETTINGS for name in kind.model_fields} - ERRAND

    assert len(ROWS) == len(names)


@pytest.mark.parametrize("row", ROWS)
def test_every_setting_is_described(row: str) -> None:
    """
    No setting is without a description.
    """
    assert not row.endswith("| None |\n")


def test_every_exit_code_is_explained() -> None:
    """
    The page's last table has each exit code that a process ends with, and no other.
    """
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert codes == sorted([*Exit, NOW])
