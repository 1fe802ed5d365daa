"""
The storefront, as a visitor meets it, and as it changes while it is open.
"""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.support.browser import Visit
from tests.support.site import Site


def mark(visit: Visit) -> None:
    """
    Leave a sign that a reload would remove.
    """
    visit.page.evaluate("window.isSamePage = true")


def is_marked(visit: Visit) -> bool:
    return bool(visit.page.evaluate("window.isSamePage === true"))


def test_the_entrance(visit: Visit) -> None:
    """
    Categories with their counts, the newest products, and a sign that it is live.
    """
    page = visit.open()

    shelves = page.get_by_role("list", name="Categories").get_by_role("link")
    expect(shelves).to_have_count(18)
    expect(shelves.first).to_contain_text(re.compile(r"Audio\s*\d+"))
    expect(page.get_by_role("list", name="Just in").locator(".cell")).to_have_count(12)
    expect(page.locator("#pill")).to_have_attribute("data-state", "live")


def test_a_category(visit: Visit, site: Site) -> None:
    """
    What it shows is of that category; a level further down it is less.
    """
    page = visit.open("#/category/Kitchen")
    cards = page.get_by_role("list", name="Kitchen").locator(".title")
    expect(cards.first).to_be_visible()
    expect(page.locator(".bone")).to_have_count(0)
    names = set(cards.all_inner_texts())
    kitchen = site.products.distinct("name", {"category": "Kitchen"})
    assert names
    assert names <= set(kitchen)

    page.get_by_role("list", name="Within").get_by_role("link", name="Knives").click()
    expect(visit.heading).to_have_text("Knives")
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Kitchen")


def test_a_search_and_its_filters(visit: Visit, site: Site) -> None:
    """
    Words find products; a filter narrows them; words that nothing has say so.
    """
    page = visit.open()
    page.get_by_role("searchbox", name="Search the shop").fill("sofa bed")
    page.keyboard.press("Enter")

    expect(visit.heading).to_have_text("“sofa bed”")
    cards = page.get_by_role("list", name="Results").locator(".cell")
    expect(cards.first).to_contain_text("sofa")
    expect(cards.first.locator(".why")).not_to_be_empty()
    page.get_by_label("In stock").check()
    expect(cards.locator(".none")).to_have_count(0)

    page.get_by_role("searchbox", name="Search the shop").fill("xylophagous")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("No product has these words")


def test_a_product_and_what_is_like_it(visit: Visit, site: Site) -> None:
    """
    Under each similar product stands the reason; rules narrow them.
    """
    shown = site.one(status="approved", category="Beds and sofas")
    page = visit.open(f"#/product/{shown['_id']}")

    expect(visit.heading).to_have_text(shown["name"])
    like = page.locator("evershelf-similar")
    expect(like).to_have_attribute("state", "ready")
    expect(like.locator(".reason").first).to_contain_text(re.compile(r"\w{3}"))
    cheaper = page.get_by_role("button", name="Cheaper")
    cheaper.click()
    expect(cheaper).to_have_attribute("aria-pressed", "true")

    def prices() -> list[float]:
        texts = like.locator(".price").all_inner_texts()
        return [float(text.replace(",", "")) for text in texts]

    expect(like).to_have_attribute("state", re.compile("ready|empty"))
    page.wait_for_function(
        """(most) => [...document.querySelector("evershelf-similar").shadowRoot
            .querySelectorAll(".price")]
            .every((one) => Number(one.textContent.replaceAll(",", "")) < most)""",
        arg=shown["price"],
    )
    assert all(price < shown["price"] for price in prices())


def test_the_basket_drives_recommendations(visit: Visit, site: Site) -> None:
    """
    What goes with it is asked with everything in it, and is none of it.
    """
    page = visit.open("#/category/Kitchen > Cookware")
    for place in (0, 1):
        card = page.locator(".cell:has(.add:not([disabled]))").nth(place)
        card.hover()
        card.get_by_role("button", name=re.compile("Add to basket")).click()
    expect(page.locator("#basket-count")).to_have_text("2")
    page.get_by_role("link", name="Basket").click()

    expect(visit.heading).to_have_text("Basket")
    lines = page.get_by_role("list", name="In the basket").locator(".line")
    expect(lines).to_have_count(2)
    goes = page.get_by_role("list", name="Goes with your basket").locator(".title")
    expect(goes.first).to_be_visible()
    inside = set(lines.locator("b").all_inner_texts())
    assert not inside & set(goes.all_inner_texts())

    lines.first.get_by_role("spinbutton").fill("3")
    page.keyboard.press("Tab")
    expect(page.locator("#basket-count")).to_have_text("4")
    for _ in range(2):
        lines.first.get_by_role("button", name=re.compile("Remove")).click()
    expect(page.locator("main")).to_contain_text("Your basket is empty")


def test_an_open_product_changes_by_itself(visit: Visit, site: Site) -> None:
    """
    A write by any client shows on the open page without a reload; when the product
    ceases to be visible, the page says so.
    """
    made = site.products.insert_one(
        {"name": "Quiet lamp", "category": ["Furniture"], "price": 10.0,
         "status": "approved"}
    )  # fmt: skip
    site.settle()
    page = visit.open(f"#/product/{made.inserted_id}")
    expect(visit.heading).to_have_text("Quiet lamp")
    mark(visit)

    site.products.update_one(
        {"_id": made.inserted_id}, {"$set": {"name": "Loud lamp", "price": 12.5}}
    )
    expect(visit.heading).to_have_text("Loud lamp")
    expect(page.locator(".about .price")).to_have_text("12.50")

    visit.foresee("404 (Not Found)")
    site.products.update_one(
        {"_id": made.inserted_id}, {"$set": {"status": "rejected"}}
    )
    expect(page.locator("main")).to_contain_text("has just left the shop")
    assert is_marked(visit)
    site.products.delete_one({"_id": made.inserted_id})


def test_similar_products_change_by_themselves(visit: Visit, site: Site) -> None:
    """
    A new product shows among the similar ones of an open page, and goes again when it
    is deleted; what was in view stays where it was.
    """
    shown = site.one(status="approved", category="Chairs")
    page = visit.open(f"#/product/{shown['_id']}")
    like = page.locator("evershelf-similar")
    expect(like).to_have_attribute("state", "ready")
    mark(visit)
    track = like.locator("ul")
    track.evaluate("(one) => one.scrollTo({ left: 600, behavior: 'instant' })")
    watched = like.locator(".card").nth(6)
    name, before = watched.locator(".name").inner_text(), watched.bounding_box()

    twin = {key: shown[key] for key in shown if key not in {"_id", "name"}}
    made = site.products.insert_one(twin | {"name": f"{shown['name']} twin"})
    new = like.locator(".card", has_text=f"{shown['name']} twin")
    expect(new).to_have_count(1)
    after = like.locator(".card", has_text=name).first.bounding_box()
    assert before
    assert after
    assert abs(after["x"] - before["x"]) <= 2

    site.products.delete_one({"_id": made.inserted_id})
    expect(new).to_have_count(0)
    assert is_marked(visit)


def test_what_moves_when_things_change(browser: Browser, site: Site) -> None:
    """
    For who does not mind motion, cards glide to their new places, in lists and in the
    carousel, and are in order when they have arrived.
    """
    visit = Visit(browser, site.address, reduced_motion="no-preference")
    shown = site.one(status="approved", category="Rugs")
    page = visit.open(f"#/product/{shown['_id']}")
    like = page.locator("evershelf-similar")
    expect(like).to_have_attribute("state", "ready")
    twin = {key: shown[key] for key in shown if key not in {"_id", "name", "createdAt"}}
    name = f"{shown['name']} again"
    later = shown["createdAt"].replace(year=2098)
    made = site.products.insert_one(twin | {"name": name, "createdAt": later})
    expect(like.locator(".card .name").first).to_have_text(name)

    page.evaluate("location.hash = '#/'")
    first = page.get_by_role("list", name="Just in").locator(".title").first
    expect(first).to_have_text(name)
    site.products.delete_one({"_id": made.inserted_id})
    expect(first).not_to_have_text(name)
    page.wait_for_function(
        "() => document.getAnimations().every((one) => !one.pending)"
    )
    visit.close()
    assert visit.complaints == []


def test_the_entrance_tells_what_changes(visit: Visit, site: Site) -> None:
    """
    A new product is at the front of the newest, and in the list of what has changed.
    """
    page = visit.open()
    expect(page.get_by_role("list", name="Just in").locator(".cell")).to_have_count(12)
    mark(visit)
    made = site.products.insert_one(
        {"name": "Newest stool", "category": ["Furniture"], "status": "approved",
         "createdAt": site.one(status="approved")["createdAt"].replace(year=2099)}
    )  # fmt: skip

    first = page.get_by_role("list", name="Just in").locator(".title").first
    expect(first).to_have_text("Newest stool")
    expect(page.get_by_role("list", name="Just changed")).to_contain_text(
        "Newest stool"
    )
    assert is_marked(visit)
    site.products.delete_one({"_id": made.inserted_id})
    expect(first).not_to_have_text("Newest stool")


def test_a_product_that_is_not_there(visit: Visit) -> None:
    """
    The page says so, and offers something else.
    """
    visit.foresee("404 (Not Found)")
    page = visit.open("#/product/nothing")

    expect(page.locator("main")).to_contain_text("is not in the shop")
    expect(page.get_by_role("list", name="Just in").locator(".cell")).to_have_count(6)


def test_an_address_that_leads_nowhere(visit: Visit) -> None:
    """
    There is a way back.
    """
    page = visit.open("#/nowhere")

    page.get_by_role("link", name="To the shop").click()
    expect(visit.heading).to_contain_text("A shop")


def test_an_empty_shop_fills(bare_visit: Visit, bare: Site) -> None:
    """
    Without products there is a hint instead of an error; the first product shows by
    itself.
    """
    page = bare_visit.open()
    expect(page.locator("main")).to_contain_text("No products yet")

    bare.products.insert_one(
        {"name": "First of all", "category": ["Furniture"], "status": "approved"}
    )
    expect(page.locator(".title", has_text="First of all")).to_have_count(1)


def test_a_server_that_goes_away(bare_visit: Visit, bare: Site) -> None:
    """
    The page says that it is offline, keeps what it shows, and goes on when the server
    is back.
    """
    bare_visit.foresee("ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY", "503")
    bare.products.insert_one(
        {"name": "Lasting lamp", "category": ["Furniture"], "status": "approved"}
    )
    bare.settle()
    page = bare_visit.open()
    expect(page.locator(".title")).to_have_text("Lasting lamp")
    expect(page.locator("#pill")).to_have_attribute("data-state", "live")

    bare.pair.server.kill()
    expect(page.locator("#pill")).to_have_attribute("data-state", "offline")
    expect(page.locator(".title")).to_have_text("Lasting lamp")
    bare.products.update_one({}, {"$set": {"name": "Changed lamp"}})
    page.evaluate("location.hash = '#/category/Furniture'")
    expect(page.locator("main")).to_contain_text("The shop does not answer now")

    bare.pair.server.start()
    expect(page.locator("#pill")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".title")).to_have_text("Changed lamp")
