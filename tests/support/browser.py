"""
A visit to a page in a real browser.
"""

from __future__ import annotations

import shutil

from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request


NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS: Final = (
    30_000  # on a busy machine; what is waited for comes in milliseconds
)
WIDE: Final = {"width": 1280, "height": 860}


def find_chromium() -> str | None:
    """
    Return the browser of this machine, if it has one.
    """
    return next(filter(None, map(shutil.which, NAMES)), None)


class Visit:
    """
    One page in a context of its own.

    Attributes:
        page: Playwright's.
        complaints: Errors in the console, exceptions, requests to other hosts.
    """

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        defaults: dict[str, Any] = {"viewport": WIDE, "reduced_motion": "reduce"}
        self._context = browser.new_context(**defaults | options)
        self._context.set_default_timeout(PATIENCE_MS)
        self._address = address
        self._foreseen: tuple[str, ...] = ()
        self.complaints: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complain(f"exception: {error}"))
        self.page.on("request", self._watch)

    def foresee(self, *parts: str) -> None:
        """
        Do not mind console errors with these words: a browser reports each 404 there.
        """
        self._foreseen += parts

    def open(self, view: str = "") -> Page:
        """
        Go to a view of the page and wait until it is shown.
        """
        self.page.goto(f"{self._address}/ui/{view}")
        self.heading.wait_for()
        return self.page

    @property
    def heading(self) -> Locator:
        """
        The view's own.
        """
        return self.page.locator("main h1")

    def close(self) -> None:
        """
        End the visit.
        """
        self._context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complain(f"console: {message.text} {message.location}")

    def _watch(self, request: Request) -> None:
        own, asked = urlsplit(self._address), urlsplit(request.url)
        if asked.scheme not in {"data", "blob"} and asked.netloc != own.netloc:
            self._complain(f"another host: {request.url}")

    def _complain(self, text: str) -> None:
        if not any(part in text for part in self._foreseen):
            self.complaints.append(text)
