"""
The page is for everybody: by keyboard, by ear, by eye.
"""

from __future__ import annotations

import pytest

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.support.browser import Visit
from tests.support.site import Site


VIEWS = {
    "entrance": "",
    "category": "#/category/Kitchen",
    "search": "#/search?q=chair",
    "nothing found": "#/search?q=xylophagous",
    "product": "#/product/{id}",
    "basket": "#/basket",
    "desk": "#/desk",
    "operations": "#/operations",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", VIEWS)
def test_no_fault_that_axe_finds(
    browser: Browser, site: Site, name: str, scheme: str
) -> None:
    """
    No view has a fault of any severity, in light and in dark.
    """
    visit = Visit(browser, site.address, color_scheme=scheme)
    shown = site.one(status="approved", category="Chairs")["_id"]
    page = visit.open(VIEWS[name].format(id=shown))
    expect(page.locator(".bone")).to_have_count(0)
    if name == "product":
        expect(page.locator("evershelf-similar")).to_have_attribute("state", "ready")

    found = Axe().run(page)

    visit.close()
    assert found.violations_count == 0, found.generate_report()
    assert visit.complaints == []


def test_no_fault_in_the_dialogs(visit: Visit) -> None:
    """
    Neither in the form of a product nor in the question before a deletion.
    """
    page = visit.open("#/desk")
    page.get_by_role("button", name="New product").click()
    form = Axe().run(page)
    page.keyboard.press("Escape")
    page.locator("[data-act=delete]").first.click()
    question = Axe().run(page)

    assert form.violations_count == 0, form.generate_report()
    assert question.violations_count == 0, question.generate_report()


def test_a_purchase_by_keyboard_alone(visit: Visit, site: Site) -> None:
    """
    From the search to the basket without a mouse; each view takes the focus to its
    heading, and says its name.
    """
    page = visit.open()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.get_by_role("searchbox", name="Search the shop").focus()
    page.keyboard.type("sofa")
    page.keyboard.press("Enter")
    expect(visit.heading).to_be_focused()
    expect(page).to_have_title("“sofa” · Evershelf")

    page.locator(".card").first.focus()
    page.keyboard.press("Enter")
    expect(visit.heading).to_be_focused()
    button = page.get_by_role("button", name="Add to basket")
    if button.count() and button.is_enabled():
        button.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#basket-count")).to_have_text("1")
        expect(page.locator("#said")).to_contain_text("is in the basket")


def test_the_carousel_by_keyboard(visit: Visit, site: Site) -> None:
    """
    Arrows go from card to card, Home and End to the ends; Tab leaves it; Enter opens.
    """
    shown = site.one(status="approved", category="Chairs")
    page = visit.open(f"#/product/{shown['_id']}")
    like = page.locator("evershelf-similar")
    expect(like).to_have_attribute("state", "ready")
    cards = like.locator(".card")
    cards.first.focus()
    page.keyboard.press("ArrowRight")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(cards.first).to_be_focused()
    page.keyboard.press("End")
    expect(cards.last).to_be_focused()
    expect(cards.last).to_be_in_viewport(ratio=0.9)
    assert like.locator(".card[tabindex='0']").count() == 1
    page.keyboard.press("Home")
    name = cards.first.locator(".name").inner_text()
    page.keyboard.press("Enter")
    expect(visit.heading).to_have_text(name)


def test_dark_and_light_are_remembered(visit: Visit) -> None:
    """
    The choice outlives a reload.
    """
    page = visit.open()
    page.get_by_role("button", name="Dark colours").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("button", name="Dark colours")).to_have_attribute(
        "aria-pressed", "true"
    )
