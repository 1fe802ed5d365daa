"""
One browser and one shop for all tests of the page; skipped where there is no Chromium.

Playwright's loop stays in the thread that started it, so tests run there: in the main
thread it would be in the way of every asyncio test of the same process.
"""

from __future__ import annotations

import uuid

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from playwright.sync_api import Browser, expect, sync_playwright
from pymongo import MongoClient

from listener.demo.sample import sample_products
from tests.support.browser import ARGUMENTS, PATIENCE_MS, Visit, find_chromium
from tests.support.site import Site, running_site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/page/" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("page"))  # one browser is enough


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    names = pyfuncitem._fixtureinfo.argnames
    values = {name: pyfuncitem.funcargs[name] for name in names}
    browser_thread = pyfuncitem.funcargs.get("_browser_thread")
    if browser_thread is None:
        pyfuncitem.obj(**values)
    else:
        browser_thread.submit(pyfuncitem.obj, **values).result()
    return True


@pytest.fixture(scope="session")
def _browser_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, thread_name_prefix="browser") as executor:
        yield executor


@pytest.fixture(scope="session")
def browser(_browser_thread: ThreadPoolExecutor) -> Iterator[Browser]:
    """
    A real Chromium, without a window.
    """
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium here: install Debian's package chromium")

    expect.set_options(timeout=PATIENCE_MS)

    def start() -> tuple[Any, Browser]:
        playwright = sync_playwright().start()
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        return playwright, browser

    playwright, browser = _browser_thread.submit(start).result()
    yield browser
    _browser_thread.submit(browser.close).result()
    _browser_thread.submit(playwright.stop).result()


@pytest.fixture(scope="session")
def site(
    browser: Browser,  # without one, nothing is started
    tmp_path_factory: pytest.TempPathFactory,
    mongo_uri: str,
    mongo_client: MongoClient[dict[str, Any]],
) -> Iterator[Site]:
    """
    The sample catalogue, followed and served, with a desk.
    """
    assert browser.is_connected()
    name = f"page_{uuid.uuid4().hex[:12]}"
    mongo_client[name]["products"].insert_many(sample_products())
    folder = tmp_path_factory.mktemp("page") / "data"
    with running_site(folder, mongo_uri, mongo_client, name) as site:
        yield site
    mongo_client.drop_database(name)


@pytest.fixture
def visit(
    browser: Browser, site: Site, _browser_thread: ThreadPoolExecutor
) -> Iterator[Visit]:
    """
    Somebody's visit to the shop, who minds errors and other hosts.
    """
    visit = _browser_thread.submit(Visit, browser, site.address).result()
    yield visit
    _browser_thread.submit(visit.close).result()
    assert visit.complaints == []


@pytest.fixture
def bare(
    browser: Browser,
    tmp_path: Any,
    mongo_uri: str,
    mongo_client: MongoClient[dict[str, Any]],
    database: Any,
) -> Iterator[Site]:
    """
    A shop of one's own, without products and without a desk.
    """
    assert browser.is_connected()
    folder = tmp_path / "data"
    with running_site(
        folder, mongo_uri, mongo_client, database.name, has_desk=False
    ) as site:
        yield site


@pytest.fixture
def bare_visit(
    browser: Browser, bare: Site, _browser_thread: ThreadPoolExecutor
) -> Iterator[Visit]:
    """
    A visit there.
    """
    visit = _browser_thread.submit(Visit, browser, bare.address).result()
    yield visit
    _browser_thread.submit(visit.close).result()
    assert visit.complaints == []
