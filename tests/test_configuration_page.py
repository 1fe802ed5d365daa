"""
docs/configuration.md holds every setting, with its flag, default and meaning.
"""

from __future__ import annotations

import json
import re

from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.signals import NOW
from recommender.exits import Exit
from recommender.settings import (
    ListenerSettings,
    ServerSettings,
    Settings,
    to_variable,
)


PAGE = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text()
ARGUMENTS = {"command", "file"}


def to_row(kind: type[Settings], name: str) -> str:
    """
    Return a setting's line of the page.
    """
    setting = kind.model_fields[name]
    default = setting.default
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    if isinstance(default, dict | bool):
        default = json.dumps(default)
    shown = "" if default in {None, ""} else f"`{default}`"
    flag = f"--{name.replace('_', '-')}"
    return (
        f"| `{to_variable(kind, name)}` | `{flag}` | {shown} | {setting.description} |"
    )


def rows() -> Iterator[str]:
    """
    Yield the lines of all settings, in order.
    """
    shared = list(Settings.model_fields)
    for kind, left_out in (
        (Settings, set()),
        (ListenerSettings, {*shared, *ARGUMENTS}),
        (ServerSettings, set(shared)),
    ):
        names = [name for name in kind.model_fields if name not in left_out]
        yield from (to_row(kind, name) for name in names)


def test_page_has_these_settings_and_no_other() -> None:
    """
    The page's tables are the settings, in order; after a change, copy these lines.
    """
    lines = PAGE.splitlines()
    written = [line for line in lines if line.startswith(("| `EVER", "| `MONGO"))]
    assert written == list(rows())


@pytest.mark.parametrize("row", list(rows()))
def test_every_setting_is_described(row: str) -> None:
    """
    No setting is without a description.
    """
    assert not row.endswith("| None |")


def test_every_exit_code_is_explained() -> None:
    """
    The page's last table has each exit code that a process ends with, and no other.
    """
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert codes == sorted([*Exit, NOW])
