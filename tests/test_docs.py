"""
The documents say what the code does.
"""

from __future__ import annotations

import ast
import re

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
SOURCES = [
    path
    for place in ("recommender", "listener", "server")
    for path in (ROOT / place).rglob("*.py")
] + [ROOT / "run_listener.py", ROOT / "run_server.py"]

LEVELS = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
}
DECIDED = {"log", "say"}  # whose level, and perhaps more, is decided while it runs
EVENT = re.compile(r"[a-z_]+(\.[a-z_]+)?")
TROUBLE = ("failed", "recovered")  # what `listener.trouble` says of each subject


@dataclass
class Logged:
    """
    What the code says of one event, in all places together.

    Attributes:
        levels: Those that are known beforehand.
        keys: The same.
        is_open: Whether levels may be others, or keys more.
    """

    levels: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    is_open: bool = False

    def note(self, call: ast.Call, method: str) -> None:
        """
        Add what one call says.
        """
        keys = {keyword.arg for keyword in call.keywords}
        self.is_open |= None in keys or method in DECIDED
        self.levels |= {LEVELS[method]} if method in LEVELS else set()
        if method == "exception" or "exc_info" in keys:
            keys.add("exception")
        self.keys |= {key for key in keys if key} - {"exc_info"}

    def add(self, other: Logged) -> None:
        """
        Add all that another one says.
        """
        self.levels |= other.levels
        self.keys |= other.keys
        self.is_open |= other.is_open


def to_event(call: ast.Call) -> str:
    """
    Return the event that a call names; empty if it names none.
    """
    texts = [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    return next(filter(EVENT.fullmatch, texts), "")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """
    Yield the calls of a module, each with the name of what is called.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def logged() -> dict[str, Logged]:
    """
    Return what the code logs, by event.
    """
    found: dict[str, Logged] = defaultdict(Logged)
    trouble: dict[str, Logged] = defaultdict(Logged)
    subjects = []
    for path in SOURCES:
        for name, call in calls(path):
            if name in LEVELS.keys() | DECIDED and to_event(call):
                found[to_event(call)].note(call, name)
            if name in LEVELS and path.stem == "trouble":
                trouble[ast.unparse(call.args[0])].note(call, name)
            if name == "Trouble":
                subjects.append(to_event(call))
    for subject in subjects:
        for what in TROUBLE:
            found[f"{subject}.{what}"].add(trouble[what])
    return found


LOGGED = logged()
ROWS = re.findall(
    r"^\| `([\w.]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|",
    (ROOT / "docs/logs.md").read_text(),
    re.MULTILINE,
)
Row = tuple[str, str, str, str, str]


def words(text: str) -> str:
    """
    Return a cell without what is said in parentheses.
    """
    return re.sub(r"\([^)]*\)", "", text)


def test_every_event_is_documented() -> None:
    """
    docs/logs.md has each event that the code logs, and no other, once.
    """
    names = [row[0] for row in ROWS]
    assert sorted(names) == sorted(LOGGED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_keys_are_those_of_the_code(row: Row) -> None:
    """
    An event has the keys that docs/logs.md names; more only where the code does not
    name all of them itself.
    """
    keys = set(re.findall(r"`(\w+)`", words(row[3])))
    found = LOGGED[row[0]]

    assert found.keys <= keys
    assert found.is_open or keys <= found.keys


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_levels_are_those_of_the_code(row: Row) -> None:
    """
    An event has the levels that docs/logs.md names; others only where the code decides
    while it runs.
    """
    levels = set(re.findall(r"\b(debug|info|warning|error)\b", row[1]))
    found = LOGGED[row[0]]

    assert levels or found.is_open
    assert found.levels <= levels
    assert found.is_open or levels <= found.levels


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_everybody_is_told_what_to_do(row: Row) -> None:
    """
    An event says when it comes and what to do then, be it nothing.
    """
    assert row[2].strip()
    assert row[4].strip()
