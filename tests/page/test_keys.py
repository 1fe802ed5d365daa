"""
The page where keys are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playwright.sync_api import Browser, expect
from pymongo import MongoClient

from tests.support.browser import Visit
from tests.support.site import Site, running_site


ADMIN, READ = "for-the-admin", "for-anybody"


@pytest.fixture(name="guarded")
def _guarded(
    browser: Browser,
    tmp_path: Path,
    mongo_uri: str,
    mongo_client: MongoClient[dict[str, Any]],
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """
    A shop with an admin key and a read key.
    """
    assert browser.is_connected()
    lamp = {"name": "Guarded lamp", "category": ["Furniture"], "status": "pending"}
    database["products"].insert_one(lamp)
    with running_site(
        tmp_path / "data",
        mongo_uri,
        mongo_client,
        database.name,
        admin_key=ADMIN,
        settings={"EVERSHELF_READ_KEYS": READ},
    ) as site:
        yield site


def test_keys_are_asked_for(browser: Browser, guarded: Site) -> None:
    """
    The shop asks for the read key, the desk for the admin key; a wrong one is asked for
    again; with them everything works, live, and they end with the tab.
    """
    visit = Visit(browser, guarded.address)
    visit.foresee("401 (Unauthorized)")
    page = visit.open()
    expect(visit.heading).to_have_text("A key is needed")
    page.get_by_label("read key").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_label("read key").fill(READ)
    page.keyboard.press("Enter")
    expect(visit.heading).to_contain_text("A shop")
    expect(page.locator("#pill")).to_have_attribute("data-state", "live")

    page.get_by_role("link", name="Desk", exact=True).click()
    page.get_by_label("admin key").fill(ADMIN)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Approve: Guarded lamp").click()
    expect(page.locator(".writes li")).to_have_count(1)
    page.locator(".writes a").click()
    expect(visit.heading).to_have_text("Guarded lamp")
    expect(page.locator("evershelf-similar")).to_have_attribute("state", "empty")
    page.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("list", name="Last log lines")).to_contain_text("model.")

    assert not page.evaluate("JSON.stringify(localStorage).includes('for-')")
    visit.close()
    assert visit.complaints == []
