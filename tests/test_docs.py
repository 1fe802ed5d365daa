"""
The documents say what the code does.
"""

from __future__ import annotations

import ast
import re

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
SOURCES = [
    path
    for place in ("recommender", "listener", "server")
    for path in (ROOT / place).rglob("*.py")
] + [ROOT / "run_listener.py", ROOT / "run_server.py"]

LEVELS = {"debug", "info", "warning", "error", "exception", "log", "say"}


def to_events(tree: ast.AST) -> set[str]:
    """
    Return the names of the events that a module logs.
    """
    events = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        names = [
            t for t in texts if isinstance(t, str) and re.fullmatch(r"\w+(\.\w+)?", t)
        ]
        if name in LEVELS and names:
            events.add(names[0])
        if name == "Trouble":
            events |= {f"{names[0]}.failed", f"{names[0]}.recovered"}
    return events


LOGGED = {event for path in SOURCES for event in to_events(ast.parse(path.read_text()))}
ROWS = re.findall(
    r"^\| `([\w.]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|",
    (ROOT / "docs/logs.md").read_text(),
    re.MULTILINE,
)


def test_every_event_is_documented() -> None:
    """
    docs/logs.md has each event that the code logs, and no other, once.
    """
    names = [row[0] for row in ROWS]
    assert sorted(names) == sorted(LOGGED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_documented_keys_are_in_the_code(row: tuple[str, str, str, str]) -> None:
    """
    Each key that docs/logs.md names is a keyword somewhere in the code that logs.
    """
    keywords = {
        keyword.arg
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    } | {"remedy", "exception", "was"}
    keys = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", row[3])))
    assert keys <= keywords
