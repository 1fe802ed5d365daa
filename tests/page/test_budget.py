"""
The page is quick and small.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, expect

from tests.support.browser import Visit
from tests.support.site import Site


FIRST_CONTENT_MS = 1_000
TRANSFERRED = 150_000  # bytes


def test_first_content_and_bytes(browser: Browser, site: Site) -> None:
    """
    A first visit to the entrance, nothing cached: content within a second, and less
    than 150 kB on the wire until everything is shown.
    """
    visit = Visit(browser, site.address)
    wire = visit.page.context.new_cdp_session(visit.page)
    wire.send("Network.enable")
    finished: list[dict[str, Any]] = []

    def keep(one: dict[str, Any]) -> None:
        finished.append(one)

    wire.on("Network.loadingFinished", keep)
    page = visit.open()
    expect(page.locator(".bone")).to_have_count(0)

    painted = page.evaluate(
        """() => performance.getEntriesByName("first-contentful-paint")[0].startTime"""
    )
    shift = page.evaluate(
        """() => new Promise((resolve) => new PerformanceObserver((list) =>
            resolve(list.getEntries().reduce((sum, one) => sum + one.value, 0)))
            .observe({ type: "layout-shift", buffered: true })
            ?? setTimeout(() => resolve(0), 500))"""
    )
    visit.close()
    assert painted < FIRST_CONTENT_MS
    assert 0 < sum(one["encodedDataLength"] for one in finished) < TRANSFERRED
    assert shift < 0.1
