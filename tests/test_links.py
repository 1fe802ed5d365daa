"""
Links between the documents lead somewhere.
"""

from __future__ import annotations

import re

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")]
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def to_anchor(title: str) -> str:
    """
    Return what a title is called in a link: as the usual renderers make it.
    """
    plain = re.sub(r"[^\w\s-]", "", title.strip().lower())
    return re.sub(r"\s", "-", plain)


def anchors(page: Path) -> set[str]:
    """
    Return the names of a page's titles.
    """
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return set(map(to_anchor, titles))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    """
    Each file that a page links to exists, and has the title that it links to.
    """
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
