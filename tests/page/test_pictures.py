"""
The pictures of the README, made by the tests: `make pictures` keeps them.
"""

from __future__ import annotations

import os
import re

from collections.abc import Callable
from pathlib import Path

import pytest

from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Visit
from tests.support.site import Site


KEPT_IN = os.environ.get("PICTURES")
LEAST = 20_000  # bytes; a blank one has fewer
SIZE = {"width": 1280, "height": 960}


def show_shop(page: Page, site: Site) -> None:
    expect(page.locator(".cell.bone")).to_have_count(0)
    for product in site.products.find({"status": "approved"}).skip(30).limit(3):
        site.products.update_one({"_id": product["_id"]}, {"$inc": {"stock": 1}})
        item = page.get_by_role("list", name="Just changed")
        expect(item).to_contain_text(product["name"])


def show_product(page: Page, _site: Site) -> None:
    like = page.locator("evershelf-similar")
    expect(like).to_have_attribute("state", "ready")


def show_desk(page: Page, site: Site) -> None:
    waiting = [one["_id"] for one in site.products.find({"status": "pending"})]
    for turn in range(1, 13):
        act = "reject" if turn % 4 == 0 else "approve"
        page.locator(f".item [data-act={act}]").first.click()
        expect(page.locator(".watch .facts")).to_contain_text(f" {turn} wr")
    page.evaluate("scrollTo(0, 0)")
    site.products.update_many(
        {"_id": {"$in": waiting}}, {"$set": {"status": "pending"}}
    )
    expect(page.locator(".tab", has_text="To approve")).to_contain_text(
        str(len(waiting))
    )


def show_operations(page: Page, site: Site) -> None:
    ids = [one["_id"] for one in site.products.find({"status": "approved"}, limit=40)]
    for turn in range(12):
        for id_ in ids[turn : turn + 1 + turn % 5]:
            site.products.update_one({"_id": id_}, {"$inc": {"stock": 1}})
        page.wait_for_timeout(700)
    expect(page.locator(".plot-dots circle").first).to_be_attached()


@pytest.mark.parametrize(
    ("name", "view", "scheme", "show"),
    [
        ("shop", "", "light", show_shop),
        ("product", "#/product/{id}", "light", show_product),
        ("desk", "#/desk", "light", show_desk),
        ("operations", "#/operations", "dark", show_operations),
    ],
)
def test_picture(
    browser: Browser,
    site: Site,
    tmp_path: Path,
    name: str,
    view: str,
    scheme: str,
    show: Callable[[Page, Site], None],
) -> None:
    """
    Each view has something to show.
    """
    folder = Path(KEPT_IN) if KEPT_IN else tmp_path
    folder.mkdir(exist_ok=True)
    visit = Visit(browser, site.address, viewport=SIZE, color_scheme=scheme)
    shown = site.one(status="approved", name=re.compile("^Linden .*sofa bed"))
    page = visit.open(view.format(id=shown["_id"]))
    show(page, site)
    page.mouse.move(0, 0)
    page.screenshot(path=folder / f"{name}.png", animations="disabled")
    visit.close()

    assert (folder / f"{name}.png").stat().st_size > LEAST
    assert visit.complaints == []
