"""
The four triggers, by hand: each writes to MongoDB, and shows in the open shop.
"""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.support.browser import Visit
from tests.support.site import Site


def open_desk(visit: Visit, words: str, tab: str = "All") -> None:
    page = visit.open("#/desk")
    page.locator(".tab", has_text=tab).click()
    page.get_by_label("Find by name").fill(words)


def test_create_approve_edit_delete(visit: Visit, site: Site) -> None:
    """
    A product is created, waits, is approved, edited, rejected, approved again and
    deleted; the database has each write, the shop shows each, and each is measured.
    """
    page = visit.open("#/desk")
    page.get_by_role("button", name="New product").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Zephyr copper kettle")
    form.get_by_label("Description").fill("A kettle that whistles two notes.")
    form.get_by_label("Category").fill("Kitchen > Cookware")
    form.get_by_label("Brand").fill("Aldo")
    form.get_by_label("Price").fill("79.50")
    form.get_by_label("In stock").fill("4")
    form.get_by_label("Tags").fill("tea, copper")
    form.get_by_role("button", name="Create").click()
    expect(form).to_have_count(0)
    row = page.locator(".item", has_text="Zephyr copper kettle")
    expect(row.locator(".badge")).to_have_text("pending")
    made = site.one(name="Zephyr copper kettle")
    assert made["category"] == ["Kitchen", "Cookware"]
    assert (made["price"], made["stock"], made["tags"]) == (79.5, 4, ["tea", "copper"])

    page.get_by_role("button", name="Approve: Zephyr copper kettle").click()
    expect(page.locator(".writes li")).to_have_count(2)
    page.locator(".tab", has_text="Approved").click()
    expect(row.locator(".badge")).to_have_text("approved")
    assert site.one(_id=made["_id"])["status"] == "approved"

    page.get_by_role("button", name="Edit: Zephyr copper kettle").click()
    form.get_by_label("Name").fill("Zephyr brass kettle")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".item", has_text="Zephyr brass kettle")).to_have_count(1)
    assert site.one(_id=made["_id"])["name"] == "Zephyr brass kettle"
    assert site.one(_id=made["_id"])["tags"] == ["tea", "copper"]

    page.get_by_role("button", name="Reject: Zephyr brass kettle").click()
    expect(page.locator(".writes li")).to_have_count(4)
    assert site.one(_id=made["_id"])["status"] == "rejected"

    page.locator(".tab", has_text="Rejected").click()
    page.get_by_role("button", name="Delete: Zephyr brass kettle").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".writes li")).to_have_count(5)
    expect(page.locator(".item", has_text="Zephyr")).to_have_count(0)
    assert site.products.find_one({"_id": made["_id"]}) is None


def test_each_write_is_measured(visit: Visit, site: Site) -> None:
    """
    The time from the click to an answer that holds the write is a number, a bar in the
    histogram, and part of the list; the save is a part of it.
    """
    made = site.products.insert_one(
        {"name": "Measured lamp", "category": ["Furniture"], "status": "pending"}
    )
    open_desk(visit, "Measured lamp")
    page = visit.page
    page.get_by_role("button", name="Approve: Measured lamp").click()

    last = page.locator(".writes li").first
    expect(last).to_contain_text("approved")
    expect(page.locator("output.big")).to_have_text(re.compile(r"^[\d.]+ m?s$"))
    expect(page.locator(".plot-bars")).to_have_attribute(
        "aria-label", re.compile(r"1 times, median [\d.]+ m?s")
    )
    assert page.locator(".plot-bars rect:not(.none)").count() == 1
    told = re.findall(r"([\d.]+) (m?s)", last.locator("small").inner_text())
    saved, served = (float(n) * (1 if unit == "ms" else 1000) for n, unit in told)
    assert 0 < saved <= served
    site.products.delete_one({"_id": made.inserted_id})


def test_a_wrong_field_is_told_in_the_form(visit: Visit, site: Site) -> None:
    """
    What the desk does not take is shown beside the fields, which keep what was typed.
    """
    visit.foresee("400 (Bad Request)")
    page = visit.open("#/desk")
    page.get_by_role("button", name="New product").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Very deep")
    form.get_by_label("Category").fill(" > ".join("abcdefgh"))
    form.get_by_role("button", name="Create").click()

    expect(form.get_by_role("alert")).to_contain_text("category")
    expect(form.get_by_label("Name")).to_have_value("Very deep")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert site.products.find_one({"name": "Very deep"}) is None


def test_a_deletion_may_be_thought_over(visit: Visit, site: Site) -> None:
    """
    Nothing is deleted by one click.
    """
    name = site.one(status="approved")["name"]
    open_desk(visit, name, "Approved")
    page = visit.page
    page.get_by_role("button", name=f"Delete: {name}").click()
    page.get_by_role("button", name="Keep it").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.products.find_one({"name": name})


def test_late_answer_takes_nobodys_place(visit: Visit, site: Site) -> None:
    """
    What was asked first and answered last is not shown.
    """
    name = site.one(status="approved")["name"]
    page = visit.open("#/desk")
    held: list[Route] = []
    page.route(re.compile(r"status=approved&q=&"), lambda route: held.append(route))  # noqa: PLW0108 it must be a plain function
    page.locator(".tab", has_text="Approved").click()
    page.get_by_label("Find by name").fill(name)
    expect(page.locator(".rows .item")).to_have_count(1)

    with page.expect_response(re.compile(r"status=approved&q=&")) as late:
        held[0].continue_()
    late.value.finished()
    page.wait_for_timeout(300)

    expect(page.locator(".rows .item")).to_have_count(1)


def test_without_the_embedded_database_there_is_no_desk(bare_visit: Visit) -> None:
    """
    The page says why.
    """
    bare_visit.foresee("404 (Not Found)")
    page = bare_visit.open("#/desk")

    expect(page.locator("main")).to_contain_text(
        "Nothing of ours writes to another one"
    )
