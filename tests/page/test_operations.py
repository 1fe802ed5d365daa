"""
How the model and the processes are, as it happens.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.support.browser import Visit
from tests.support.site import Site


def test_what_is_shown(visit: Visit, site: Site) -> None:
    """
    State, lag, generation and counts; a write shows in the events, in the log lines of
    both processes, and as a point of the plot.
    """
    page = visit.open("#/operations")
    tiles = page.locator(".tile")
    expect(tiles.filter(has_text="State").locator(".value")).to_have_text("following")
    total = site.products.count_documents({})
    products = tiles.filter(has_text="Products").locator(".value")
    expect(products).to_have_text(f"{total:,}")

    made = site.products.insert_one({"name": "Watched pan", "status": "approved"})
    expect(products).to_have_text(f"{total + 1:,}")
    event = page.get_by_role("list", name="Last events").locator("li").first
    expect(event).to_contain_text(str(made.inserted_id))
    log = page.get_by_role("list", name="Last log lines")
    expect(log.locator("li", has_text="listener").first).to_contain_text("model.")
    expect(log.locator("li", has_text="server").first).to_contain_text("model.loaded")
    expect(page.locator(".plot-dots circle").first).to_be_attached()
    expect(page.locator(".plot-dots")).to_have_attribute(
        "aria-label", re.compile(r"From a write to its publication: [\d.]+ m?s now")
    )
    page.get_by_label("Least level").select_option("error")
    expect(log).to_contain_text("Nothing of this level")
    site.products.delete_one({"_id": made.inserted_id})


def test_on_a_phone(browser: Browser, site: Site) -> None:
    """
    Nothing is wider than the screen, in any view.
    """
    phone = {"width": 390, "height": 844}
    visit = Visit(browser, site.address, viewport=phone, has_touch=True)
    shown = site.one(status="approved")["_id"]
    for view in ("", f"#/product/{shown}", "#/basket", "#/desk", "#/operations"):
        page = visit.open(view)
        expect(page.locator(".bone")).to_have_count(0)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= phone["width"], view
    visit.close()
    assert visit.complaints == []


def test_a_listener_that_goes_away(bare_visit: Visit, bare: Site) -> None:
    """
    The page says that the model is out of date, and why.
    """
    bare_visit.foresee("503 (Service Unavailable)")
    page = bare_visit.open("#/operations")
    state = page.locator(".tile").filter(has_text="State")
    expect(state).to_have_attribute("data-mood", "good")

    bare.pair.listener.kill()
    expect(state).to_have_attribute("data-mood", "bad")
    expect(state).to_contain_text("listener_silent")
    expect(page.locator("#pill")).to_have_attribute("data-state", "stale")

    bare.pair.listener.start()
    expect(state).to_have_attribute("data-mood", "good")
    expect(page.locator("#pill")).to_have_attribute("data-state", "live")
