"""
docs/troubleshooting.md and the findings of the doctor are in step.
"""

from __future__ import annotations

import ast
import re

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.examined import examine


ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/troubleshooting.md").read_text()
BAD: Final = {"fail", "warn", "unknown"}
FOUND: Final = re.compile(r"\*\*([^*]+)\*\*[^*]*?\(`(\w+)`\)")
# what findings say that have no words of their own
OTHERS: Final = {
    "str(error)": "the words of the driver or the system",
    "'; '.join(error.faults)": "a setting and what is wrong with it",
    "'; '.join(faults)": "a manifest or a segment that differs from its checksum",
    "_to_text(shares, len(documents))": "sampled documents have",
}

Finding = tuple[str, str]


def findings() -> Iterator[Finding]:
    """
    Yield the longest text that each finding always has, and its verdict.
    """
    for path in sorted((ROOT / "listener/doctor").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                yield from _of_function(function)


def _of_function(function: ast.FunctionDef) -> Iterator[Finding]:
    known = {
        ast.unparse(node.targets[0]): node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
    }
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in BAD:
            said = call.args[0]
            meant = said if _texts(said) else known.get(ast.unparse(said), said)
            whole = ast.unparse(meant)
            longest = max(_texts(meant), key=len, default="")
            yield OTHERS.get(whole, longest), ast.unparse(call.func)


def _texts(said: ast.expr) -> list[str]:
    return [
        text
        for node in ast.walk(said)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (text := node.value.strip(" :;,'\"`"))
    ]


def documented() -> list[Finding]:
    """
    Return the findings that the page has.
    """
    part = PAGE.partition("## What the doctor finds")[2].partition("\n## ")[0]
    return FOUND.findall(part)


def test_every_finding_has_its_words() -> None:
    """
    What the doctor can find is on the page with its verdict, once, and nothing else is.
    """
    assert sorted(documented()) == sorted(set(findings()))


def test_checks_are_in_the_doctors_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The page goes through the checks as the doctor does.
    """
    monkeypatch.setattr("listener.mongo.client.SELECTION_S", 0.2)
    uri = "mongodb://127.0.0.1:1/shop"
    titles = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    checks = list(
        examine(
            uri,
            tmp_path,
            publish_to="mongodb://127.0.0.1:1/evershelf",
            queue_url="redis://127.0.0.1:1",
        )
    )
    assert titles == ["Any check", *checks]
