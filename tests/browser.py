"""A browser for tests: Chromium without a window and without a network, and what its pages ask for and complain of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu")


@contextmanager
def opened() -> Iterator[tuple[Any, list[str], list[str]]]:
    """A page; the addresses beyond this machine that it asked for, none of which is answered; and its errors.

    Skips the test where there is no browser.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    asked: list[str] = []
    faults: list[str] = []

    def answer(route: Any) -> None:
        address = urlsplit(route.request.url)
        if address.scheme not in ("http", "https") or address.hostname == "127.0.0.1":
            route.continue_()
            return
        asked.append(route.request.url)
        route.abort()

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.route("**/*", answer)
        page.on("console", lambda message: faults.append(_told(message)) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        try:
            yield page, asked, faults
        finally:
            browser.close()


def _told(message: Any) -> str:
    return f"{message.text} {message.location.get('url', '')}"
