"""
A tab that nobody looks at.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.browser import Visit
from tests.support.site import Site


LONG_MS = 31_000  # longer than a hidden tab keeps its stream
STREAM = "**/v1/events"
HIDE = "Object.defineProperty(document, 'hidden', { value: %s, configurable: true });"
TELL = "document.dispatchEvent(new Event('visibilitychange'));"


def turn(page: Page, *, hidden: bool) -> None:
    """
    Let the tab be hidden, or seen again.
    """
    page.evaluate(HIDE % ("true" if hidden else "false") + TELL)


def leave(page: Page) -> None:
    """
    Stay away until the stream is given back.
    """
    with page.expect_event("requestfailed", lambda one: one.url.endswith("/v1/events")):
        page.clock.fast_forward(LONG_MS)


def test_what_changed_meanwhile_shows_on_return(visit: Visit, site: Site) -> None:
    """
    A tab that was hidden for long shows what the catalogue is now, also what was
    changed before the newest generation.
    """
    shown = site.one(status="approved", category="Chairs")
    other = site.one(status="approved", category={"$ne": "Chairs"})
    visit.page.clock.install()
    page = visit.open(f"#/product/{shown['_id']}")
    expect(page.locator("#pill")).to_have_attribute("data-state", "live")
    turn(page, hidden=True)
    leave(page)
    which: dict[str, Any] = {"_id": shown["_id"]}
    site.products.update_one(which, {"$set": {"name": "Chair of the meantime"}})
    site.settle()
    site.products.update_one({"_id": other["_id"]}, {"$inc": {"stock": 1}})
    site.settle()

    turn(page, hidden=False)

    expect(visit.heading).to_have_text("Chair of the meantime")
    site.products.update_one(which, {"$set": {"name": shown["name"]}})
    site.settle()


def test_tab_opened_in_the_background_gives_its_stream_back(visit: Visit) -> None:
    """
    Nothing tells such a tab that it is hidden: it has been so from the beginning.
    """
    visit.page.add_init_script(HIDE % "true")
    visit.page.clock.install()
    with visit.page.expect_response(STREAM):
        page = visit.open()

    leave(page)
    with page.expect_response(STREAM):
        turn(page, hidden=False)
