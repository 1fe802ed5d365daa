"""
The glossary has the words of the code.
"""

from __future__ import annotations

import re

from pathlib import Path


ROOT = Path(__file__).parents[1]


def test_each_word_is_explained_once() -> None:
    """
    What ARCHITECTURE.md calls our words, docs/how-it-works.md explains first, in its order.
    """
    words = (ROOT / "ARCHITECTURE.md").read_text().partition("## Words")[2]
    named = re.findall(r"\*(\w+)\*", words.partition("\n## ")[0])
    glossary = (ROOT / "docs/how-it-works.md").read_text().partition("## Glossary")[2]
    explained = re.findall(r"^\| \*(\w+)\* \| \w", glossary, re.MULTILINE)

    assert explained[: len(named)] == named
    assert len(set(explained)) == len(explained)
